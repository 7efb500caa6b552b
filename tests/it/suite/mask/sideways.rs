//! The ways of learning or storing a protected value without reading it out, as tables.

use super::{
    Case,
    Directly::{self, Leaks, Other, Tells},
    Fate::{self, Denied, Masked, Safe},
};

const fn case(
    name: &'static str,
    directly: Directly,
    fate: Fate,
    texts: &'static [&'static str],
) -> Case {
    Case { name, texts, directly, fate }
}

pub(super) const ASKING: &[Case] = &[
    case("LIKE", Tells, Denied, &["SELECT id FROM customers WHERE email LIKE 'c%'"]),
    case("equality", Tells, Denied, &["SELECT id FROM customers WHERE ssn = '999-55-0007'"]),
    case("regular expression", Tells, Denied, &["SELECT id FROM customers WHERE ssn ~ '^999'"]),
    case("BETWEEN", Tells, Denied, &["SELECT id FROM customers WHERE card BETWEEN '3' AND '5'"]),
    case("IN", Tells, Denied, &["SELECT id FROM customers WHERE ssn IN ('1', '2')"]),
    case("IS NULL", Tells, Denied, &["SELECT id FROM customers WHERE ssn IS NULL"]),
    case(
        "EXISTS",
        Tells,
        Denied,
        &["SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE email LIKE 'c%')"],
    ),
    case(
        "CASE condition",
        Tells,
        Denied,
        &["SELECT CASE WHEN email LIKE 'c%' THEN 1 ELSE 0 END FROM customers"],
    ),
    case("boolean output", Tells, Safe, &["SELECT email LIKE 'c%' FROM customers"]),
    case(
        "FILTER",
        Tells,
        Denied,
        &["SELECT count(*) FILTER (WHERE email LIKE 'c%') FROM customers"],
    ),
    case(
        "HAVING",
        Tells,
        Denied,
        &["SELECT count(*) FROM customers GROUP BY id HAVING max(ssn) LIKE '9%'"],
    ),
    case(
        "join",
        Tells,
        Denied,
        &["SELECT c.id FROM customers c JOIN (VALUES ('x@y')) v(e) ON c.email = v.e"],
    ),
    case(
        "join USING",
        Tells,
        Denied,
        &["SELECT c.id FROM customers c JOIN (SELECT 'x' AS ssn) s USING (ssn)"],
    ),
    case(
        "natural join",
        Tells,
        Denied,
        &["SELECT c.id FROM customers c NATURAL JOIN (SELECT 'x' AS ssn) s"],
    ),
    case(
        "semi-join",
        Tells,
        Denied,
        &["SELECT 1 FROM (VALUES ('x')) v(e) WHERE v.e IN (SELECT ssn FROM customers)"],
    ),
    case("ORDER BY", Tells, Denied, &["SELECT id FROM customers ORDER BY ssn"]),
    case(
        "ORDER BY an expression",
        Tells,
        Denied,
        &["SELECT id FROM customers ORDER BY substr(ssn, 8)"],
    ),
    case("GROUP BY", Tells, Denied, &["SELECT count(*) FROM customers GROUP BY left(email, 1)"]),
    case("ROLLUP", Tells, Denied, &["SELECT count(*) FROM customers GROUP BY ROLLUP (ssn)"]),
    case("window", Tells, Denied, &["SELECT id, ntile(4) OVER (ORDER BY card) FROM customers"]),
    case(
        "PARTITION BY",
        Tells,
        Denied,
        &["SELECT id, row_number() OVER (PARTITION BY ssn) FROM customers"],
    ),
    case("view predicate", Tells, Denied, &["SELECT id FROM contact WHERE reach_at LIKE 'c%'"]),
    case("error with the value", Leaks, Safe, &["SELECT ssn::int FROM customers"]),
    case(
        "error with the value in WHERE",
        Leaks,
        Denied,
        &["SELECT id FROM customers WHERE email::int = 1"],
    ),
    case(
        "error as a bit",
        Tells,
        Denied,
        &["SELECT 1 / (CASE WHEN ssn LIKE '9%' THEN 1 ELSE 0 END) FROM customers"],
    ),
    case("EXPLAIN", Tells, Denied, &["EXPLAIN SELECT id FROM customers WHERE ssn = '1'"]),
    case(
        "EXPLAIN ANALYZE",
        Tells,
        Denied,
        &["EXPLAIN ANALYZE SELECT id FROM customers WHERE ssn = '1'"],
    ),
    case(
        "WHERE of an UPDATE",
        Tells,
        Denied,
        &["UPDATE customers SET tier = 'x' WHERE ssn LIKE '999%'"],
    ),
    case("WHERE of a DELETE", Tells, Denied, &["DELETE FROM customers WHERE email LIKE 'none%'"]),
    case(
        "argument of a function in FROM",
        Tells,
        Safe,
        &["SELECT g FROM generate_series(1, (SELECT count(ssn) FROM customers)) g"],
    ),
];

pub(super) const WRITING: &[Case] = &[
    case(
        "UPDATE from the column",
        Leaks,
        Denied,
        &["UPDATE customers SET name = email WHERE id = 1 RETURNING name"],
    ),
    case(
        "INSERT from SELECT",
        Leaks,
        Denied,
        &["INSERT INTO notes (body) SELECT email FROM customers", "SELECT body FROM notes"],
    ),
    case(
        "INSERT of a subquery",
        Leaks,
        Denied,
        &["INSERT INTO notes (body) VALUES ((SELECT ssn FROM customers LIMIT 1)) RETURNING body"],
    ),
    case(
        "RETURNING",
        Leaks,
        Safe,
        &["UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING email"],
    ),
    case(
        "RETURNING star",
        Leaks,
        Safe,
        &["UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING *"],
    ),
    case("DELETE RETURNING", Leaks, Safe, &["DELETE FROM customers WHERE id = 1 RETURNING ssn"]),
    case(
        "DELETE USING",
        Leaks,
        Safe,
        &[
            "DELETE FROM orders USING customers c WHERE c.id = orders.customer_id AND c.id = 1 RETURNING c.ssn",
        ],
    ),
    case(
        "WITH and RETURNING",
        Leaks,
        Safe,
        &["WITH w AS (UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING ssn) SELECT * FROM w"],
    ),
    case(
        "ON CONFLICT",
        Leaks,
        Denied,
        &["INSERT INTO customers (id, name, email, ssn, card) VALUES (1, 'n', 'e', 's', 'c') \
        ON CONFLICT (id) DO UPDATE SET name = customers.ssn RETURNING name"],
    ),
    case(
        "ON CONFLICT and the error",
        Leaks,
        Safe,
        &["UPDATE customers SET email = (SELECT email FROM customers WHERE id = 2) WHERE id = 1"],
    ),
    case(
        "MERGE",
        Leaks,
        Denied,
        &[
            "MERGE INTO notes n USING customers c ON n.id = c.id WHEN NOT MATCHED THEN INSERT (body) VALUES (c.ssn)",
            "SELECT body FROM notes",
        ],
    ),
    case(
        "CREATE TABLE AS",
        Leaks,
        Denied,
        &["CREATE TABLE t AS SELECT email AS e FROM customers", "SELECT e FROM t"],
    ),
    case(
        "CREATE TEMP TABLE AS",
        Leaks,
        Denied,
        &["CREATE TEMP TABLE t AS SELECT email AS e FROM customers", "SELECT e FROM t"],
    ),
    case(
        "CREATE TEMP TABLE AS TABLE",
        Leaks,
        Denied,
        &["CREATE TEMP TABLE t AS TABLE customers", "SELECT * FROM t"],
    ),
    case(
        "SELECT INTO TEMP",
        Leaks,
        Denied,
        &["SELECT ssn INTO TEMP t FROM customers", "SELECT * FROM t"],
    ),
    case(
        "CREATE TEMP VIEW",
        Leaks,
        Denied,
        &["CREATE TEMP VIEW t AS SELECT email AS e FROM customers", "SELECT e FROM t"],
    ),
    case(
        "CREATE MATERIALIZED VIEW",
        Leaks,
        Denied,
        &["CREATE MATERIALIZED VIEW t AS SELECT email AS e FROM customers", "SELECT e FROM t"],
    ),
    case(
        "renamed column",
        Leaks,
        Denied,
        &[
            "ALTER TABLE customers RENAME COLUMN email TO harmless",
            "SELECT harmless FROM customers",
        ],
    ),
    case(
        "generated column",
        Leaks,
        Denied,
        &[
            "ALTER TABLE customers ADD COLUMN harmless text GENERATED ALWAYS AS (lower(email)) STORED",
            "SELECT harmless FROM customers",
        ],
    ),
    case(
        "large object",
        Other,
        Denied,
        &["SELECT lo_from_bytea(0, (SELECT email::bytea FROM customers LIMIT 1))"],
    ),
];

pub(super) const NAMED: &[Case] = &[
    case(
        "PREPARE and EXECUTE",
        Leaks,
        Masked,
        &["PREPARE p AS SELECT email FROM customers", "EXECUTE p"],
    ),
    case(
        "PREPARE with a parameter",
        Leaks,
        Masked,
        &["PREPARE p(int) AS SELECT email FROM customers WHERE id = $1", "EXECUTE p(3)"],
    ),
    case(
        "PREPARE of a predicate",
        Tells,
        Denied,
        &["PREPARE p(text) AS SELECT id FROM customers WHERE ssn = $1", "EXECUTE p('1')"],
    ),
    case(
        "EXPLAIN EXECUTE",
        Tells,
        Safe,
        &["PREPARE p AS SELECT email FROM customers", "EXPLAIN ANALYZE EXECUTE p"],
    ),
    case(
        "CREATE TABLE AS EXECUTE",
        Leaks,
        Denied,
        &[
            "PREPARE p AS SELECT email FROM customers",
            "CREATE TEMP TABLE t AS EXECUTE p",
            "SELECT * FROM t",
        ],
    ),
    case(
        "cursor",
        Leaks,
        Masked,
        &["BEGIN", "DECLARE c CURSOR FOR SELECT email FROM customers", "FETCH ALL FROM c"],
    ),
    case(
        "scrolling cursor",
        Leaks,
        Masked,
        &[
            "BEGIN",
            "DECLARE c SCROLL CURSOR FOR SELECT ssn FROM customers",
            "FETCH 2 FROM c",
            "FETCH PRIOR FROM c",
        ],
    ),
    case(
        "binary cursor",
        Leaks,
        Safe,
        &["BEGIN", "DECLARE c BINARY CURSOR FOR SELECT ssn FROM customers", "FETCH ALL FROM c"],
    ),
    case(
        "cursor on a predicate",
        Tells,
        Denied,
        &[
            "BEGIN",
            "DECLARE c CURSOR FOR SELECT id FROM customers WHERE ssn LIKE '9%'",
            "FETCH ALL FROM c",
        ],
    ),
    case(
        "cursor that outlives its transaction",
        Leaks,
        Safe,
        &[
            "BEGIN",
            "DECLARE h CURSOR WITH HOLD FOR SELECT email FROM customers",
            "COMMIT",
            "FETCH ALL FROM h",
            "CLOSE h",
        ],
    ),
];

pub(super) const SIDE: &[Case] = &[
    case(
        "setting and SHOW",
        Leaks,
        Denied,
        &["SELECT set_config('app.x', (SELECT email FROM customers LIMIT 1), false)", "SHOW app.x"],
    ),
    case(
        "report of a setting",
        Leaks,
        Denied,
        &[
            "SELECT set_config('application_name', (SELECT email FROM customers ORDER BY id LIMIT 1), false)",
        ],
    ),
    case(
        "notification",
        Leaks,
        Safe,
        &["LISTEN x", "SELECT pg_notify('x', (SELECT email FROM customers LIMIT 1))", "COMMIT"],
    ),
    case(
        "notice of a block",
        Leaks,
        Denied,
        &["DO $$ BEGIN RAISE NOTICE '%', (SELECT email FROM customers LIMIT 1); END $$"],
    ),
    case(
        "SQL in a string",
        Leaks,
        Denied,
        &["SELECT query_to_xml('select email from customers', true, false, '')"],
    ),
    case("table as XML", Leaks, Denied, &["SELECT table_to_xml('customers', true, false, '')"]),
    case(
        "SQL in a text search function",
        Other,
        Denied,
        &["SELECT * FROM ts_stat('select to_tsvector(email) from customers')"],
    ),
    case(
        "statistics",
        Leaks,
        Denied,
        &["SELECT histogram_bounds FROM pg_stats WHERE tablename = 'customers'"],
    ),
    case(
        "statistics below the view",
        Leaks,
        Denied,
        &["SELECT stavalues1::text FROM pg_catalog.pg_statistic"],
    ),
    case("a function of the schema", Leaks, Denied, &["SELECT first_email()"]),
    case("a function in FROM", Leaks, Denied, &["SELECT * FROM first_email()"]),
    case("size of the value", Tells, Safe, &["SELECT pg_column_size(email) FROM customers"]),
    case(
        "constraint oracle",
        Leaks,
        Denied,
        &[
            "INSERT INTO customers (id, name, email, ssn, card) SELECT 99, name, email, ssn, card FROM customers WHERE id = 1",
        ],
    ),
    case("failing row", Leaks, Safe, &["UPDATE customers SET tier = NULL WHERE id = 1"]),
];

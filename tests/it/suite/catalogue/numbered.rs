//! The numbered cases of the notes on SQL, with `customers` for their table.

use super::{Attack, acts, keeps, leaks, tells};

#[tokio::test]
async fn numbered_cases_that_read() {
    super::every(FIRST).await;
}

#[tokio::test]
async fn numbered_cases_that_write_or_ask_the_server() {
    super::every(SECOND).await;
}

pub(super) const FIRST: &[Attack] = &[
    leaks("1", &["SELECT ssn FROM customers"]),
    leaks("2", &["SELECT * FROM customers"]),
    leaks("3", &["SELECT u.* FROM customers u"]),
    leaks("4", &["TABLE customers"]),
    leaks("5", &["SELECT customers FROM customers"]),
    leaks("6", &["SELECT u::text FROM customers u"]),
    leaks("7", &["SELECT row_to_json(u) FROM customers u"]),
    leaks("8", &["SELECT to_jsonb(u)->>'ssn' FROM customers u"]),
    leaks("9", &["SELECT (u).ssn FROM customers u"]),
    leaks("10", &["SELECT ssn(u) FROM customers u"]),
    leaks("11", &["SELECT u.row_to_json FROM customers u"]),
    leaks("12", &["SELECT u.*::text FROM customers u"]),
    leaks("13", &["SELECT (SELECT u) FROM customers u"]),
    leaks("14", &["SELECT array_agg(u) FROM customers u"]),
    tells("15", &["SELECT id FROM customers WHERE ssn LIKE '9%' ORDER BY id"]),
    tells("16", &["SELECT id FROM customers ORDER BY ssn DESC"]),
    tells("17", &["SELECT count(*) FILTER (WHERE ssn = '999-55-0001') FROM customers"]),
    tells("18", &["SELECT count(*) FROM customers GROUP BY left(ssn, 11)"]),
    tells("19", &["SELECT 1 / (CASE WHEN ssn = '111' THEN 0 ELSE 1 END) FROM customers"]),
    leaks("20", &["SELECT ssn::inet FROM customers"]),
    tells("21", &["SELECT id FROM customers NATURAL JOIN (SELECT '999-55-0001' AS ssn) s"]),
    tells("22", &["SELECT count(*) FROM members JOIN customers USING (ssn)"]),
    tells(
        "23",
        &[
            "SELECT id FROM customers u WHERE u = ROW(1, 'Customer 1', 'canary1@leak.example', '999-55-0001', \
           '4000123400000001', 'basic')::customers",
        ],
    ),
    leaks("24", &["SELECT c FROM customers u(a, b, c)"]),
    leaks("25", &["SELECT c2 FROM customers u, LATERAL (SELECT u.ssn) l(c2)"]),
    leaks("26", &["WITH t(x) AS (SELECT ssn FROM customers) SELECT x FROM t"]),
    leaks("27", &["WITH customers AS (SELECT * FROM customers) SELECT ssn FROM customers"]),
    leaks("28", &["SELECT NULL UNION ALL SELECT ssn FROM customers"]),
    leaks("29", &["VALUES ((SELECT ssn FROM customers ORDER BY id LIMIT 1))"]),
    tells(
        "30",
        &[
            "SELECT id FROM customers c ORDER BY (SELECT d.ssn FROM customers d WHERE d.id = c.id) DESC",
        ],
    ),
    leaks("31", &["SELECT (SELECT ssn FROM customers ORDER BY id LIMIT 1)"]),
    tells(
        "32",
        &[
            "SELECT * FROM generate_series(1, (SELECT right(ssn, 1)::int FROM customers WHERE id = 3))",
        ],
    ),
    leaks("33", &["SELECT unnest(ARRAY(SELECT ssn FROM customers))"]),
    leaks("34", &["SELECT string_agg(ssn, ','), json_object_agg(id, ssn) FROM customers"]),
    leaks("46", &["BEGIN", "DECLARE c CURSOR FOR SELECT ssn FROM customers", "FETCH ALL FROM c"]),
    leaks("47", &["PREPARE p AS SELECT ssn FROM customers", "EXECUTE p"]),
    leaks("52", &["SELECT * FROM ONLY customers"]),
    leaks("53", &[r#"SELECT U&"\0073sn" FROM customers"#]),
    leaks("54", &["SET search_path = archive", "SELECT email FROM customers"]),
    leaks(
        "55",
        &[
            "CREATE TEMP TABLE customers AS SELECT 1 AS id, ssn FROM public.customers",
            "SELECT ssn FROM customers",
        ],
    ),
    leaks("56", &["SELECT Ssn, SSN, \"ssn\" FROM CUSTOMERS"]),
    keeps("70", &[r"SELECT 'x\''', id - -1, E'\'', email FROM customers ORDER BY id"]),
    leaks(
        "74",
        &[
            "SELECT id, email FROM archive.customers WHERE false UNION ALL SELECT id, ssn FROM (TABLE customers) t",
        ],
    ),
    leaks("75", &["SELECT ssn FROM customers c FOR UPDATE OF c"]),
];

pub(super) const SECOND: &[Attack] = &[
    leaks("35", &["UPDATE customers SET id = id WHERE id = 1 RETURNING *"]),
    leaks(
        "36",
        &["INSERT INTO customers (id, name, email, ssn, card) VALUES (1, 'n', 'e', 's', 'c') \
           ON CONFLICT (id) DO UPDATE SET tier = 'x' RETURNING customers.ssn"],
    ),
    leaks(
        "37",
        &[
            "DELETE FROM payments USING customers WHERE customers.ssn = '999-55-0001' AND payments.id = 1 \
           RETURNING customers.ssn",
        ],
    ),
    leaks(
        "38",
        &["WITH x AS (UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING ssn) SELECT * FROM x"],
    ),
    leaks("39", &["INSERT INTO notes (body) SELECT ssn FROM customers", "SELECT body FROM notes"]),
    leaks("40", &["CREATE TEMP TABLE t AS SELECT ssn FROM customers", "SELECT * FROM t"]),
    leaks("40", &["CREATE TEMP VIEW t AS SELECT ssn FROM customers", "SELECT * FROM t"]),
    leaks("40", &["CREATE MATERIALIZED VIEW t AS SELECT ssn FROM customers", "SELECT * FROM t"]),
    leaks("41", &["SELECT ssn INTO t2 FROM customers", "SELECT * FROM t2"]),
    acts("42", &["UPDATE customers SET email = ssn WHERE id = 1"]),
    acts(
        "43",
        &["MERGE INTO orders o USING customers u ON u.id = o.customer_id \
           WHEN MATCHED THEN UPDATE SET amount = length(u.ssn)"],
    ),
    leaks("44", &["COPY customers TO STDOUT"]),
    leaks("44", &["COPY customers (ssn, card) TO STDOUT (FORMAT csv)"]),
    acts("45", &["COPY (SELECT ssn FROM customers) TO PROGRAM 'cat >/dev/null'"]),
    leaks("48", &["DO $$ BEGIN RAISE NOTICE '%', (SELECT max(ssn) FROM customers); END $$"]),
    leaks("49", &["SELECT query_to_xml('select ssn from customers', true, true, '')"]),
    leaks("49", &["SELECT table_to_xml('customers', true, true, '')"]),
    leaks("50", &["SELECT histogram_bounds, most_common_vals FROM pg_stats"]),
    tells(
        "51",
        &["EXPLAIN (ANALYZE, VERBOSE, TIMING OFF) SELECT id FROM customers WHERE ssn = '111'"],
    ),
];

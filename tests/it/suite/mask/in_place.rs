//! Threat: a protected value gets out where its table has to stay what it is: in what a write returns, in a query
//! grouped by a primary key, in a sample, beside a system column.

use super::{
    Case,
    Directly::{self, Leaks, Tells},
    Fate::{self, Denied, Masked, Safe},
    every,
};
use crate::harness::cluster;

const fn case(
    name: &'static str,
    directly: Directly,
    fate: Fate,
    texts: &'static [&'static str],
) -> Case {
    Case { name, texts, directly, fate }
}

const RETURNING: &[Case] = &[
    case(
        "a column",
        Leaks,
        Masked,
        &["UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING email"],
    ),
    case(
        "every column",
        Leaks,
        Masked,
        &["UPDATE customers SET tier = 'x' WHERE id < 3 RETURNING *"],
    ),
    case(
        "under an alias",
        Leaks,
        Masked,
        &["UPDATE customers c SET tier = 'x' WHERE c.id = 1 RETURNING c.*"],
    ),
    case(
        "an expression",
        Leaks,
        Masked,
        &[
            "UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING 'a' || upper(ssn), card::varchar(99)",
        ],
    ),
    case("the row", Leaks, Masked, &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING c"]),
    case(
        "the row as text",
        Leaks,
        Masked,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING c::text"],
    ),
    case(
        "the row as JSON",
        Leaks,
        Masked,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING row_to_json(c)"],
    ),
    case(
        "the expanded row",
        Leaks,
        Safe,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING (c).*"],
    ),
    case(
        "a field of the row",
        Leaks,
        Safe,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING (c).ssn"],
    ),
    case(
        "functional notation",
        Leaks,
        Safe,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING ssn(c)"],
    ),
    case(
        "a function of the row",
        Leaks,
        Safe,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING c.row_to_json"],
    ),
    case(
        "all columns in a constructor",
        Leaks,
        Safe,
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING ROW(c.*)"],
    ),
    case(
        "a sub-query",
        Leaks,
        Masked,
        &[
            "UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING (SELECT concat(ssn, max(o.note)) FROM orders o)",
        ],
    ),
    case(
        "a condition",
        Tells,
        Denied,
        &[
            "UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING CASE WHEN ssn LIKE '9%' THEN 1 END",
        ],
    ),
    case(
        "DELETE",
        Leaks,
        Masked,
        &["BEGIN", "DELETE FROM customers WHERE id = 5 RETURNING id, email, ssn, card"],
    ),
    case(
        "DELETE USING",
        Leaks,
        Masked,
        &[
            "BEGIN",
            "DELETE FROM orders USING customers c WHERE c.id = orders.customer_id AND orders.id = 6 RETURNING *",
        ],
    ),
    case(
        "DELETE of what is joined",
        Leaks,
        Masked,
        &[
            "BEGIN",
            "DELETE FROM customers USING orders o WHERE o.customer_id = customers.id AND o.id = 7 RETURNING *",
        ],
    ),
    case(
        "UPDATE FROM",
        Leaks,
        Masked,
        &[
            "UPDATE orders SET note = 'x' FROM customers c WHERE c.id = orders.customer_id AND orders.id = 8 RETURNING c.ssn",
        ],
    ),
    case(
        "INSERT over what was there",
        Leaks,
        Masked,
        &["INSERT INTO customers (id, name, email, ssn, card) VALUES (2, 'n', 'e', 's', 'c') \
        ON CONFLICT (id) DO UPDATE SET name = 'y' RETURNING *"],
    ),
    case(
        "a WITH query",
        Leaks,
        Masked,
        &["WITH w AS (UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING *) SELECT * FROM w"],
    ),
    case(
        "a WITH query as JSON",
        Leaks,
        Masked,
        &["WITH w AS (DELETE FROM customers WHERE id = 9 RETURNING *) SELECT json_agg(w) FROM w"],
    ),
    case(
        "a WITH query that is asked",
        Tells,
        Denied,
        &[
            "WITH w AS (UPDATE customers SET tier = 'x' WHERE id < 4 RETURNING *) SELECT id FROM w WHERE ssn LIKE '9%'",
        ],
    ),
    case(
        "a WITH query that is stored",
        Leaks,
        Denied,
        &["WITH w AS (DELETE FROM customers WHERE id = 3 RETURNING *) \
        INSERT INTO notes (body) SELECT email FROM w RETURNING body"],
    ),
    case("a view", Leaks, Masked, &["UPDATE contact SET name = 'x' WHERE id = 1 RETURNING *"]),
    case(
        "prepared",
        Leaks,
        Masked,
        &["PREPARE p AS UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING email", "EXECUTE p"],
    ),
];

const READING: &[Case] = &[
    case(
        "grouped by the primary key",
        Leaks,
        Masked,
        &[
            "SELECT c.id, c.email, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id",
        ],
    ),
    case(
        "grouped by the primary key and every other column",
        Leaks,
        Masked,
        &[
            "SELECT c.id, c.email, c.ssn, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id \
        GROUP BY c.id, c.name, c.email, c.ssn, c.card",
        ],
    ),
    case(
        "grouped by another table's key",
        Leaks,
        Denied,
        &[
            "SELECT o.id, c.email FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY o.id, c.email",
        ],
    ),
    case(
        "every column of such a group",
        Leaks,
        Masked,
        &[
            "SELECT c.*, sum(o.amount) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id",
        ],
    ),
    case("the row of such a group", Leaks, Masked, &["SELECT c FROM customers c GROUP BY c.id"]),
    case(
        "rows of such a group",
        Leaks,
        Masked,
        &["SELECT json_agg(c) FROM customers c GROUP BY c.tier"],
    ),
    case("a field of the row", Leaks, Safe, &["SELECT (c).email FROM customers c GROUP BY c.id"]),
    case(
        "under other names",
        Leaks,
        Masked,
        &["SELECT max(y), max(z) FROM customers AS t(x, n, y, z) GROUP BY x"],
    ),
    case(
        "under the names of the others",
        Leaks,
        Masked,
        &[
            "SELECT max(name), max(tier) FROM customers AS t(id, email, name, ssn, tier, card) GROUP BY id",
        ],
    ),
    case(
        "a sub-query that sees the group",
        Leaks,
        Masked,
        &[
            "SELECT (SELECT c.ssn || max(o.note) FROM orders o WHERE o.customer_id = c.id) FROM customers c GROUP BY c.id",
        ],
    ),
    case(
        "a join of two",
        Leaks,
        Masked,
        &[
            "SELECT * FROM (SELECT a.id, min(b.email) FROM customers a JOIN customers b USING (id) GROUP BY a.id) q",
        ],
    ),
    case(
        "grouping sets",
        Leaks,
        Masked,
        &["SELECT tier, max(email) FROM customers GROUP BY GROUPING SETS ((tier), ())"],
    ),
    case(
        "a sample",
        Leaks,
        Masked,
        &["SELECT id, email FROM customers TABLESAMPLE BERNOULLI (100)"],
    ),
    case(
        "every column of a sample",
        Leaks,
        Masked,
        &["SELECT * FROM customers TABLESAMPLE SYSTEM (100) REPEATABLE (1)"],
    ),
    case(
        "a renamed sample",
        Leaks,
        Masked,
        &["SELECT c FROM customers AS t(a, b, c) TABLESAMPLE SYSTEM (100)"],
    ),
    case("a system column", Leaks, Masked, &["SELECT ctid, xmin, email FROM customers"]),
    case(
        "a system column and a star",
        Leaks,
        Masked,
        &["SELECT c.xmin, c.* FROM customers c ORDER BY id"],
    ),
    case("a system column and the row", Leaks, Masked, &["SELECT c.tableoid, c FROM customers c"]),
    case(
        "a system column of a join",
        Leaks,
        Safe,
        &["SELECT c.ctid, * FROM customers c JOIN orders o ON o.customer_id = c.id"],
    ),
    case("the expanded row", Leaks, Safe, &["SELECT (c).* FROM customers c"]),
    case("the expanded row of a view", Leaks, Safe, &["SELECT (v).* FROM contact v"]),
    case("distinct values", Leaks, Masked, &["SELECT DISTINCT email, id FROM customers"]),
    case(
        "a set of values",
        Leaks,
        Masked,
        &["SELECT ssn FROM customers UNION SELECT card FROM customers"],
    ),
    case("a difference", Leaks, Masked, &["SELECT email FROM customers EXCEPT SELECT 'nothing'"]),
];

#[tokio::test]
async fn what_a_write_returns_is_masked() {
    every(RETURNING).await;
}

#[tokio::test]
async fn a_table_that_stays_in_the_text_shows_masks() {
    every(READING).await;
}

/// What only PostgreSQL 18 has: the row before and after a write, and what MERGE returns.
const NEWER: &[Case] = &[
    case(
        "the old row",
        Leaks,
        Masked,
        &["UPDATE customers SET ssn = 'x' WHERE id = 11 RETURNING old.ssn, old.email, new.id"],
    ),
    case(
        "the old row as a row",
        Leaks,
        Masked,
        &["UPDATE customers SET tier = 'x' WHERE id = 12 RETURNING old, new"],
    ),
    case(
        "every column of the old row",
        Leaks,
        Masked,
        &["UPDATE customers c SET tier = 'x' WHERE id = 12 RETURNING old.*, to_jsonb(new)"],
    ),
    case(
        "MERGE",
        Leaks,
        Masked,
        &["MERGE INTO customers c USING (SELECT 13 AS k) s ON s.k = c.id \
        WHEN MATCHED THEN UPDATE SET tier = 'x' RETURNING *, merge_action()"],
    ),
    case(
        "the source of a MERGE",
        Leaks,
        Masked,
        &["MERGE INTO orders o USING customers c ON c.id = o.customer_id AND o.id < 3 \
        WHEN MATCHED THEN UPDATE SET note = 'x' RETURNING *"],
    ),
    case(
        "a condition on the old row",
        Tells,
        Denied,
        &[
            "UPDATE customers SET tier = 'x' WHERE id = 14 RETURNING CASE WHEN old.ssn LIKE '9%' THEN 1 END",
        ],
    ),
];

#[tokio::test]
async fn what_newer_servers_return_is_masked() {
    if cluster::cluster().is_some_and(|cluster| cluster.major >= 18) {
        every(NEWER).await;
    }
}

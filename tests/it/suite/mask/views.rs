//! Threat: a protected value gets out through a view, which reads its tables behind Jurat's back.

use super::{
    Case,
    Directly::{self, Leaks, Other, Tells},
    Fate::{self, Denied, Masked, Safe},
    every_with,
};
use crate::harness::Shop;

/// Views of every kind over the protected table.
const VIEWS: &str = "
CREATE VIEW contact_again AS SELECT v.id, v.reach_at AS address FROM contact v;
CREATE VIEW deep AS SELECT a.address AS d, a.id FROM (SELECT * FROM contact_again) a;
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, ssn AS number FROM customers WHERE id < 10;
CREATE VIEW cards AS SELECT id, '<' || name || ', ' || email || '>' AS card, length(name) AS n FROM customers;
CREATE VIEW rows_of AS SELECT c AS r, c.id FROM customers c;
CREATE VIEW json_of AS SELECT to_jsonb(c) AS j FROM customers c;
CREATE VIEW either AS SELECT email AS e FROM customers UNION ALL SELECT card FROM customers;
CREATE VIEW distinct_cards AS SELECT DISTINCT card AS c FROM customers;
CREATE VIEW latest AS WITH RECURSIVE r(n, e) AS (
    SELECT 1, email FROM customers WHERE id = 1 UNION ALL SELECT n + 1, e FROM r WHERE n < 3)
  SELECT e AS s FROM r;
CREATE VIEW joined AS SELECT o.id, c.email, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id;
CREATE VIEW totals AS SELECT c.id, c.email, sum(o.amount) AS total FROM customers c JOIN orders o
  ON o.customer_id = c.id GROUP BY c.id;
CREATE VIEW reachable AS SELECT id, name FROM customers WHERE email LIKE 'canary1%';
CREATE VIEW asking AS SELECT id, email LIKE 'canary1%' AS yes FROM customers;
CREATE VIEW hidden AS SELECT query_to_xml('select email from customers', true, false, '') AS x;
CREATE VIEW by_function AS SELECT first_email() AS f;
CREATE MATERIALIZED VIEW stored AS SELECT id, email AS at, upper(ssn) AS s FROM customers;
CREATE TABLE parted (id int, mail text) PARTITION BY RANGE (id);
CREATE VIEW renamed (k, v) AS SELECT id, email FROM customers;
ALTER VIEW renamed RENAME COLUMN v TO w;
CREATE TABLE moved (id int, email text);
CREATE VIEW insertable AS SELECT id, name, email, ssn, card, tier FROM customers;
";

const fn case(
    name: &'static str,
    directly: Directly,
    fate: Fate,
    texts: &'static [&'static str],
) -> Case {
    Case { name, texts, directly, fate }
}

const READING: &[Case] = &[
    case("a column under another name", Leaks, Masked, &["SELECT reach_at FROM contact"]),
    case("every column", Leaks, Masked, &["SELECT * FROM contact ORDER BY id"]),
    case("a view of a view", Leaks, Masked, &["SELECT address FROM contact_again WHERE id = 3"]),
    case("a view of a view of a view", Leaks, Masked, &["SELECT d FROM deep"]),
    case("a security barrier", Leaks, Masked, &["SELECT number FROM barrier"]),
    case("a computed column", Leaks, Masked, &["SELECT card FROM cards"]),
    case("a row in a column", Leaks, Masked, &["SELECT r FROM rows_of"]),
    case("a field of a row in a column", Leaks, Masked, &["SELECT (r).email FROM rows_of"]),
    case("JSON of a row", Leaks, Masked, &["SELECT j ->> 'ssn' FROM json_of"]),
    case("the row of a view", Leaks, Masked, &["SELECT v FROM contact v"]),
    case("the row of a view as JSON", Leaks, Masked, &["SELECT row_to_json(v) FROM contact v"]),
    case("a union", Leaks, Masked, &["SELECT e FROM either"]),
    case("DISTINCT", Leaks, Masked, &["SELECT c FROM distinct_cards"]),
    case("a recursive query", Leaks, Masked, &["SELECT s FROM latest"]),
    case("an outer join", Leaks, Masked, &["SELECT email, name FROM joined"]),
    case("grouped by the primary key", Leaks, Masked, &["SELECT email, total FROM totals"]),
    case("renamed columns", Leaks, Masked, &["SELECT w FROM renamed"]),
    case("a materialized view", Leaks, Masked, &["SELECT at, s FROM stored"]),
    case("a view that takes writes", Leaks, Masked, &["TABLE insertable"]),
    case("COPY of a view's query", Leaks, Safe, &["COPY (SELECT * FROM contact) TO STDOUT"]),
    case(
        "a join of two views",
        Leaks,
        Masked,
        &["SELECT a.reach_at, b.address FROM contact a JOIN contact_again b USING (id)"],
    ),
    case("in a WITH query", Leaks, Masked, &["WITH q AS (SELECT * FROM deep) SELECT d FROM q"]),
    case(
        "a set of views",
        Leaks,
        Masked,
        &["SELECT reach_at FROM contact UNION SELECT address FROM contact_again"],
    ),
    case("what is not masked in such a view", Other, Masked, &["SELECT n FROM cards"]),
    case("prepared", Leaks, Masked, &["PREPARE p AS SELECT reach_at FROM contact", "EXECUTE p"]),
];

const ASKING: &[Case] = &[
    case("a condition", Tells, Denied, &["SELECT id FROM contact WHERE reach_at LIKE 'c%'"]),
    case("two views deep", Tells, Denied, &["SELECT id FROM deep WHERE d LIKE 'c%'"]),
    case("an order", Tells, Denied, &["SELECT id FROM contact_again ORDER BY address"]),
    case("a computed column", Tells, Denied, &["SELECT id FROM cards WHERE card LIKE '%canary1%'"]),
    case("a group", Tells, Denied, &["SELECT count(*) FROM renamed GROUP BY w"]),
    case("a condition of the view's own", Tells, Denied, &["SELECT name FROM reachable"]),
    case("a condition that the view shows", Tells, Safe, &["SELECT yes FROM asking"]),
    case("a condition on it", Tells, Denied, &["SELECT id FROM asking WHERE yes"]),
    case("a stored copy", Tells, Denied, &["SELECT id FROM stored WHERE at LIKE 'c%'"]),
    case("SQL in a string inside a view", Leaks, Denied, &["SELECT x FROM hidden"]),
    case("a function inside a view", Leaks, Denied, &["SELECT f FROM by_function"]),
    case(
        "a write from a view",
        Leaks,
        Denied,
        &["INSERT INTO moved SELECT id, reach_at FROM contact RETURNING email"],
    ),
    case(
        "a write into a view from itself",
        Leaks,
        Denied,
        &["UPDATE insertable SET name = email WHERE id = 1 RETURNING name"],
    ),
    case("a write that a view decides", Tells, Denied, &["DELETE FROM reachable WHERE id = 900"]),
];

#[tokio::test]
async fn what_a_view_shows_of_a_protected_column_is_masked() {
    every_with(VIEWS, READING).await;
}

#[tokio::test]
async fn a_view_is_no_way_to_ask_about_a_protected_column() {
    every_with(VIEWS, ASKING).await;
}

/// The definitions of views are asked with locks; a table that somebody is changing must not hold up log-ins.
#[tokio::test]
async fn a_table_that_is_being_changed_holds_nobody_up() {
    let Some(shop) = Shop::usual().await else { return };
    let changing = shop.inspector().await;
    changing.batch_execute("BEGIN; ALTER TABLE customers ADD COLUMN later text").await.unwrap();
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run("SELECT amount FROM open_orders WHERE id = 2").await.sqlstate(), "00000");
    // What the view shows of the table is not known now.
    assert_eq!(wire.run("SELECT reach_at FROM contact").await.sqlstate(), "42501");
    changing.batch_execute("ROLLBACK").await.unwrap();
    shop.close().await;
}

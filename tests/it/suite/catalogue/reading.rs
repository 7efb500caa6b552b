//! PARSE: texts that a reader takes for something else than the server does. REND: what writing a text anew could
//! change.

use super::{Attack, acts, fails, keeps, leaks, tells};
use crate::harness::{Shop, canary};

#[tokio::test]
async fn parse_texts_that_are_read_in_two_ways() {
    super::every(PARSE).await;
}

#[tokio::test]
async fn rend_texts_that_are_written_anew() {
    super::every(REND).await;
}

pub(super) const PARSE: &[Attack] = &[
    leaks("PARSE-01", &["SELECT email FROM ONLY customers"]),
    leaks("PARSE-01", &["SELECT * FROM ONLY (customers)"]),
    leaks("PARSE-01", &["SELECT c.email FROM orders o JOIN ONLY (customers) c ON true"]),
    acts("PARSE-01", &["DELETE FROM ONLY payments"]),
    acts("PARSE-01", &["UPDATE ONLY customers SET tier = 'x'"]),
    acts("PARSE-01", &["TRUNCATE ONLY payments"]),
    leaks("PARSE-02", &[r#"SELECT U&"\0065mail" FROM customers"#]),
    leaks("PARSE-02", &[r#"SELECT U&"!0065mail" UESCAPE '!' FROM customers"#]),
    leaks("PARSE-02", &[r#"SELECT email FROM U&"custom\0065rs""#]),
    leaks(
        "PARSE-02",
        &[r#"SELECT U&"query_t\006f_xml"('select email from customers', true, true, '')"#],
    ),
    acts("PARSE-02", &[r#"SELECT U&"pg_r\0065ad_file"('PG_VERSION')"#]),
    acts("PARSE-03", &["SELECT set_config('ro'\n'le', 'postgres', false)"]),
    leaks("PARSE-03", &["SELECT query_to_xml('select email '\n'from customers', true, true, '')"]),
    leaks(
        "PARSE-04",
        &["SET standard_conforming_strings = off", r"SELECT 'a\', ', email FROM customers -- '"],
    ),
    leaks(
        "PARSE-04",
        &[
            "SELECT set_config('standard_conforming_strings', 'off', false)",
            r"SELECT 'a\', ', email FROM customers -- '",
        ],
    ),
    leaks("PARSE-04", &[r"SELECT 'a\', email FROM customers -- '"]),
    acts("PARSE-04", &["ALTER ROLE app SET standard_conforming_strings = off"]),
    acts("PARSE-04", &["SET backslash_quote = on"]),
    acts("PARSE-05", &["SET client_encoding = 'SJIS'"]),
    acts("PARSE-05", &["SET NAMES 'BIG5'"]),
    acts("PARSE-05", &["SET client_encoding TO GBK"]),
    acts("PARSE-05", &["SELECT set_config('client_encoding', 'GB18030', false)"]),
    acts("PARSE-05", &["SET client_encoding = 'JOHAB'"]),
    leaks("PARSE-07", &["SELECT 1 -- x\r, email FROM customers"]),
    leaks("PARSE-07", &["SELECT 1 -- x\n, email FROM customers"]),
    leaks("PARSE-08", &["SELECT 1 /* /* */ , 2 */ , email FROM customers"]),
    leaks("PARSE-08", &["/*! SELECT 1 */ SELECT email FROM customers"]),
    acts("PARSE-08", &["/* /* */ ; SELECT 1; -- */ TRUNCATE payments"]),
    leaks("PARSE-09", &["SELECT $a$ $b$ ' $a$, email FROM customers -- $b$"]),
    leaks("PARSE-09", &["SELECT $é$ ' $é$, email FROM customers"]),
    leaks("PARSE-09", &["SELECT 1 AS a$$, email FROM customers -- $$"]),
    leaks("PARSE-10", &["TABLE customers"]),
    leaks("PARSE-10", &["(TABLE customers)"]),
    leaks("PARSE-10", &["WITH a AS (TABLE customers) SELECT * FROM a"]),
    leaks("PARSE-10", &["COPY (TABLE customers) TO STDOUT"]),
    leaks("PARSE-10", &["CREATE TEMP TABLE laundry AS TABLE customers", "TABLE laundry"]),
    leaks(
        "PARSE-10",
        &[
            "CREATE TEMP TABLE laundry (id int, email text)",
            "INSERT INTO laundry TABLE archive.customers",
            "TABLE laundry",
        ],
    ),
    leaks("PARSE-11", &["SELECT * FROM customers *"]),
    leaks(
        "PARSE-11",
        &[
            "SELECT * FROM ROWS FROM (unnest(ARRAY(SELECT email FROM customers)), generate_series(1, 2)) f",
        ],
    ),
    leaks("PARSE-11", &["SELECT email FROM customers TABLESAMPLE SYSTEM (100)"]),
    leaks("PARSE-11", &["SELECT email OPERATOR(pg_catalog.||) '' FROM customers"]),
    leaks("PARSE-11", &["SELECT 'a'::text OPERATOR(public.<<<) 'b'::text"]),
    leaks(
        "PARSE-11",
        &[
            "SELECT * FROM XMLTABLE('/table/row/email' PASSING (SELECT query_to_xml('select email from customers', true, false, '')) \
           COLUMNS e text PATH '.') x",
        ],
    ),
    leaks("PARSE-12", &[r#"SELECT "customers"."email" FROM public."customers""#]),
    leaks("PARSE-12", &[r#"SELECT PUBLIC.Customers.EMAIL FROM Public.CUSTOMERS"#]),
    fails("PARSE-12", &[r#"SELECT email FROM "public.customers""#]),
    fails("PARSE-12", &[r#"SELECT email FROM "Customers""#]),
    fails("PARSE-12", &["SELECT email FROM\u{a0}customers"]),
    leaks(
        "PARSE-12",
        &[
            "SELECT address FROM a_name_as_long_as_names_can_be_which_is_sixty_three_bytes_long_and_more",
        ],
    ),
    leaks("PARSE-13", &["SET search_path = archive, public", "SELECT email FROM customers"]),
    leaks(
        "PARSE-13",
        &[
            "CREATE TEMP TABLE customers (id int, email text)",
            "SELECT email FROM customers UNION ALL SELECT email FROM public.customers",
        ],
    ),
    leaks(
        "PARSE-13",
        &["CREATE TEMP TABLE orders AS SELECT * FROM customers", "SELECT * FROM orders"],
    ),
    leaks(
        "PARSE-13",
        &["CREATE TEMP VIEW orders AS SELECT * FROM customers", "SELECT * FROM orders"],
    ),
    leaks(
        "PARSE-13",
        &[
            "CREATE FUNCTION pg_temp.mine() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers LIMIT 1'",
            "SELECT pg_temp.mine()",
        ],
    ),
    acts(
        "PARSE-13",
        &["CREATE FUNCTION public.lower(int) RETURNS text LANGUAGE sql AS 'SELECT 1::text'"],
    ),
    acts(
        "PARSE-13",
        &["CREATE OPERATOR archive.= (LEFTARG = text, RIGHTARG = text, FUNCTION = compares)"],
    ),
    tells(
        "PARSE-13",
        &["SET search_path = archive", "SELECT count(*) FROM customers WHERE email LIKE 'c%'"],
    ),
];

pub(super) const REND: &[Attack] = &[
    keeps(
        "REND-01",
        &[
            "SELECT id, email FROM customers WHERE id < - -1 AND name = '\n99999 OR true LIMIT 2 --'",
        ],
    ),
    keeps("REND-01", &["SELECT id - -1, - - id, id -(-1), email FROM customers ORDER BY id"]),
    keeps("REND-01", &["SELECT id, 'x' /* y */ || 'z--', email FROM customers ORDER BY id"]),
    keeps(
        "REND-02",
        &[r"SELECT E'\x27 OR 1=1 --', E'\\''', '\x41'::bytea, email FROM customers ORDER BY id"],
    ),
    keeps("REND-02", &[r"SELECT U&'\005c0027', email FROM customers ORDER BY id"]),
    keeps(
        "REND-02",
        &[r"SELECT 'it''s', $$it's$$, '\', E'\u0041\101\n', B'101', X'1F', email FROM customers"],
    ),
    keeps("REND-02", &["SELECT 'a'\n'b', N'c', 1e3, .5, 0.50, email FROM customers"]),
    keeps(
        "REND-03",
        &[
            "SELECT NOT (id > 3 AND id < 9) IS NULL, (NOT (id > 3 AND id < 9)) IS NULL, 10 - (5 - id), (10 - 5) - id, \
           (true OR false) AND id = 1, true OR (false AND id = 1), -2 ^ 2, (-2) ^ 2, -(2 ^ 2), email \
           FROM customers ORDER BY id",
        ],
    ),
    keeps(
        "REND-03",
        &[
            "SELECT id::text::int + 1, id IN (1, 2) IS TRUE, id < ALL (ARRAY[3, 4]), id = ANY ('{1,2}'), \
           2 * (3 + id) % 5, (2 * 3) + id % 5, 1 - 2 - 3, 1 - (2 - 3), NOT id = 1, NOT (id = 1) AND true, email \
           FROM customers ORDER BY id",
        ],
    ),
    keeps(
        "REND-03",
        &[
            "SELECT CASE WHEN id > 5 THEN 'a' WHEN id > 3 THEN 'b' ELSE 'c' END, id BETWEEN 2 AND 4 AND tier = 'basic', \
           'a' || id || 'b', tier LIKE 'b%' AND NOT tier LIKE '%x', (id, name) = (1, 'Customer 1'), \
           id IS DISTINCT FROM 3, (ARRAY[1, 2, id])[3], (ARRAY[[1, 2], [3, id]])[2][2], email FROM customers ORDER BY id",
        ],
    ),
    keeps(
        "REND-03",
        &[
            "SELECT id, sum(id) OVER (PARTITION BY tier ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), \
           count(*) FILTER (WHERE id > 3) OVER (), row_number() OVER (ORDER BY id DESC), email \
           FROM customers ORDER BY id",
        ],
    ),
    keeps(
        "REND-03",
        &[
            "SELECT o.id, (SELECT count(*) FROM payments p WHERE p.order_id = o.id AND NOT p.paid), o.amount, c.email \
           FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.tier <> 'none' \
           WHERE EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id) ORDER BY o.amount DESC, o.id LIMIT 7 OFFSET 2",
        ],
    ),
    keeps(
        "REND-04",
        &["SELECT id AS a, id AS a, name, name AS \"A b\", email FROM customers ORDER BY id"],
    ),
    keeps("REND-04", &["SELECT FROM customers"]),
    keeps(
        "REND-04",
        &["SELECT 1, * FROM (SELECT id, name, tier, email FROM customers) q ORDER BY id"],
    ),
    keeps(
        "REND-04",
        &[
            "SELECT o.*, c.name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.id",
        ],
    ),
];

/// In other encodings a byte of a letter can be a backslash, so that the same bytes end a string elsewhere.
#[tokio::test]
async fn parse_05_bytes_that_end_a_string_in_another_encoding() {
    let Some(shop) = Shop::usual().await else { return };
    let text = b"SELECT E'\x95\x5c', email FROM customers -- '\0";
    let mut direct = shop.direct_wire().await;
    direct.run("SET client_encoding = 'SJIS'").await;
    direct.raw(b'Q', text).answer().await;
    assert!(canary::find(&direct.received).is_some(), "it leaks in that encoding");

    let mut wire = shop.wire("ana").await;
    wire.run("SET client_encoding = 'SJIS'").await;
    let reply = wire.raw(b'Q', text).answer().await;
    assert_eq!((reply.tags().as_str(), reply.rows().len()), ("E ZI", 0));
    assert_eq!(canary::find(&wire.received), None);
    drop(wire);
    shop.close().await;
}

//! MASK: a protected value under another name, in another shape, or by way of another object.

use super::{Attack, acts, fails, leaks, tells};

#[tokio::test]
async fn mask_values_that_are_read_in_disguise() {
    super::every(READ).await;
}

#[tokio::test]
async fn mask_values_that_are_moved_elsewhere() {
    super::every(MOVED).await;
}

pub(super) const READ: &[Attack] = &[
    leaks("MASK-01", &["SELECT email AS x FROM customers"]),
    leaks("MASK-01", &["SELECT c FROM customers AS t(a, b, c, d, e, f)"]),
    leaks("MASK-01", &["SELECT email FROM customers c(id, name, ssn, email)"]),
    leaks("MASK-01", &["SELECT * FROM (SELECT email FROM customers) q(harmless)"]),
    leaks("MASK-01", &["WITH q(h) AS (SELECT email FROM customers) SELECT h FROM q"]),
    leaks("MASK-01", &["WITH c(a, b, e) AS (SELECT * FROM customers) SELECT e FROM c"]),
    leaks(
        "MASK-01",
        &["SELECT j.email FROM (customers c JOIN orders o ON o.customer_id = c.id) j"],
    ),
    leaks("MASK-02", &["SELECT c FROM customers c"]),
    leaks("MASK-02", &["SELECT (c).* FROM customers c"]),
    leaks("MASK-02", &["SELECT (ROW(c.*)).f3 FROM customers c"]),
    leaks("MASK-02", &["SELECT row(c.*)::customers FROM customers c"]),
    leaks("MASK-02", &["SELECT (SELECT c) FROM customers c"]),
    leaks("MASK-02", &["SELECT c::text FROM customers c"]),
    leaks("MASK-02", &["SELECT c.*::text FROM customers c"]),
    leaks("MASK-02", &["SELECT coalesce(c.*::text, '') FROM customers c"]),
    leaks("MASK-02", &["SELECT coalesce((c.*)::text, '') FROM customers c"]),
    leaks("MASK-02", &["SELECT format('%s', c) FROM customers c"]),
    leaks("MASK-02", &["SELECT (q.customers).email FROM (SELECT customers FROM customers) q"]),
    leaks("MASK-02", &["SELECT array_agg(c) FROM customers c"]),
    leaks("MASK-02", &["SELECT ((array_agg(c))[1]).email FROM customers c"]),
    leaks("MASK-03", &["SELECT email(c) FROM customers c"]),
    leaks("MASK-03", &["SELECT c.row_to_json FROM customers c"]),
    leaks("MASK-03", &["SELECT (c).to_jsonb FROM customers c"]),
    leaks("MASK-04", &["SELECT row_to_json(c) FROM customers c"]),
    leaks("MASK-04", &["SELECT to_jsonb(c)->>'email' FROM customers c"]),
    leaks("MASK-04", &["SELECT json_agg(c) FROM customers c"]),
    leaks("MASK-04", &["SELECT jsonb_path_query(to_jsonb(c), '$.*') FROM customers c"]),
    leaks(
        "MASK-04",
        &["SELECT (json_populate_record(null::customers, row_to_json(c))).email FROM customers c"],
    ),
    leaks(
        "MASK-04",
        &[
            "SELECT * FROM json_populate_recordset(null::customers, (SELECT json_agg(c) FROM customers c))",
        ],
    ),
    leaks("MASK-04", &["SELECT e.value FROM customers c, jsonb_each_text(to_jsonb(c)) e"]),
    leaks(
        "MASK-04",
        &["SELECT json_build_object('e', email), json_build_array(c.*) FROM customers c"],
    ),
    leaks("MASK-04", &["SELECT jsonb_object_agg(id, ssn) FROM customers"]),
    leaks("MASK-04", &["SELECT data->>'k', data::text, to_json(data) FROM typed"]),
    leaks("MASK-05", &["SELECT query_to_xml('select email from customers', true, false, '')"]),
    leaks("MASK-05", &["SELECT table_to_xml('customers', true, false, '')"]),
    leaks("MASK-05", &["SELECT schema_to_xml('public', true, false, '')"]),
    leaks("MASK-05", &["SELECT database_to_xml(true, false, '')"]),
    leaks(
        "MASK-05",
        &[
            "BEGIN",
            "DECLARE c CURSOR FOR SELECT email FROM customers",
            "SELECT cursor_to_xml('c', 100, true, false, '')",
        ],
    ),
    leaks("MASK-05", &["SELECT xmlforest(email) FROM customers"]),
    leaks("MASK-05", &["SELECT xmlagg(xmlforest(ssn)) FROM customers"]),
    leaks("MASK-05", &["SELECT xmlelement(name r, xmlattributes(email AS a)) FROM customers"]),
    leaks("MASK-05", &["SELECT xpath('//text()', xmlelement(name a, email)) FROM customers"]),
    leaks(
        "MASK-05",
        &[
            "SELECT * FROM XMLTABLE('/r' PASSING (SELECT xmlelement(name r, email) FROM customers LIMIT 1) \
           COLUMNS e text PATH '.')",
        ],
    ),
    leaks(
        "MASK-06",
        &["SELECT * FROM ts_stat('select to_tsvector(''simple'', email) from customers')"],
    ),
    leaks(
        "MASK-06",
        &["SELECT ts_rewrite('a'::tsquery, \
           'select ''a''::tsquery, plainto_tsquery(''simple'', email) from customers where id = 1')"],
    ),
    fails(
        "MASK-06",
        &[
            "SELECT * FROM crosstab('select id, email, ssn from customers') AS c(a int, b text, d text)",
        ],
    ),
    fails(
        "MASK-06",
        &["SELECT * FROM dblink('dbname=shop', 'select email from customers') AS t(e text)"],
    ),
    leaks(
        "MASK-07",
        &["SELECT name FROM customers WHERE false UNION ALL SELECT email FROM customers"],
    ),
    leaks("MASK-07", &["SELECT name FROM customers UNION SELECT email FROM customers"]),
    leaks("MASK-07", &["SELECT email FROM customers INTERSECT SELECT email FROM customers"]),
    leaks(
        "MASK-07",
        &["WITH RECURSIVE r(n, e) AS (SELECT 1, email FROM customers WHERE id = 1 \
           UNION ALL SELECT n + 1, e FROM r WHERE n < 3) SELECT e FROM r"],
    ),
    leaks("MASK-07", &["VALUES ((SELECT email FROM customers ORDER BY id LIMIT 1))"]),
    leaks("MASK-07", &["SELECT unnest(ARRAY(SELECT email FROM customers))"]),
    leaks("MASK-07", &["SELECT * FROM unnest(ARRAY(SELECT email FROM customers)) u"]),
    leaks("MASK-07", &["SELECT l.x FROM customers c, LATERAL (SELECT c.ssn) l(x)"]),
    leaks("MASK-07", &["SELECT u FROM customers c, unnest(ARRAY[c.email]) u"]),
    leaks("MASK-10", &["SELECT max(ssn), min(email) FROM customers"]),
    leaks("MASK-10", &["SELECT mode() WITHIN GROUP (ORDER BY email) FROM customers"]),
    leaks("MASK-10", &["SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY email) FROM customers"]),
    leaks("MASK-10", &["SELECT string_agg(email, ','), array_agg(card) FROM customers"]),
    leaks("MASK-10", &["SELECT string_agg(email, ',' ORDER BY ssn) FROM customers"]),
    leaks("MASK-10", &["SELECT lag(email) OVER (ORDER BY id) FROM customers"]),
    leaks("MASK-10", &["SELECT first_value(ssn) OVER w FROM customers WINDOW w AS (ORDER BY id)"]),
    leaks("MASK-10", &["SELECT DISTINCT ON (id) email FROM customers"]),
    leaks("MASK-10", &["SELECT DISTINCT email FROM customers"]),
    leaks("MASK-11", &["SELECT substr(email, 1, 6) FROM customers"]),
    leaks("MASK-11", &["SELECT reverse(email), upper(email), initcap(email) FROM customers"]),
    leaks(
        "MASK-11",
        &["SELECT encode(email::bytea, 'hex'), encode(email::bytea, 'base64') FROM customers"],
    ),
    leaks("MASK-11", &["SELECT email::bytea, convert_to(email, 'LATIN1') FROM customers"]),
    leaks("MASK-11", &["SELECT overlay(email PLACING 'x' FROM 12) FROM customers"]),
    leaks("MASK-11", &["SELECT email::varchar(6), email::name, text(email) FROM customers"]),
    leaks(
        "MASK-11",
        &["SELECT email || '', concat('x', email), concat_ws('-', ssn, 'x') FROM customers"],
    ),
    leaks(
        "MASK-11",
        &[
            "SELECT translate(email, 'abcdefghijklmnopqrstuvwxyz', 'nopqrstuvwxyzabcdefghijklm') FROM customers",
        ],
    ),
    leaks(
        "MASK-11",
        &["SELECT regexp_replace(email, '@.*', ''), split_part(email, '@', 1) FROM customers"],
    ),
    leaks("MASK-11", &["SELECT regexp_split_to_array(email, '')::text FROM customers"]),
    leaks("MASK-11", &["SELECT to_tsvector('simple', email), quote_literal(email) FROM customers"]),
    leaks(
        "MASK-11",
        &[
            "SELECT CASE WHEN id > 0 THEN email END, coalesce(ssn, ''), greatest(card, '') FROM customers",
        ],
    ),
    leaks("MASK-11", &["SELECT array_append(ARRAY['x'], email), (ARRAY[email])[1] FROM customers"]),
    leaks("MASK-11", &["SELECT list[1], array_to_string(list, ''), bytes FROM typed"]),
    tells("MASK-11", &["SELECT md5(email) FROM customers ORDER BY id"]),
    tells("MASK-11", &["SELECT sha256(email::bytea), hashtext(ssn) FROM customers ORDER BY id"]),
    tells("MASK-11", &["SELECT ascii(substr(email, 2)), length(ssn) FROM customers ORDER BY id"]),
    leaks("MASK-16", &["SELECT * FROM customers NATURAL JOIN (SELECT 1 AS id) s"]),
    leaks("MASK-16", &["SELECT email FROM customers JOIN contact c2 USING (id)"]),
    leaks("MASK-16", &["SELECT email FROM customers JOIN customers c2 USING (email)"]),
    leaks(
        "MASK-16",
        &["SELECT customers.*, o.* FROM customers, orders o WHERE o.customer_id = customers.id"],
    ),
    leaks("MASK-16", &["SELECT DISTINCT * FROM customers"]),
    leaks("MASK-16", &["SELECT * FROM (customers CROSS JOIN payments)"]),
    tells("MASK-18", &["SELECT count(*) FROM customers c JOIN members m ON m.ssn = c.ssn"]),
    tells(
        "MASK-18",
        &["SELECT count(*) FROM subscriptions s JOIN customers c ON c.email = s.address"],
    ),
    leaks("MASK-18", &["SELECT address FROM subscriptions"]),
];

pub(super) const MOVED: &[Attack] = &[
    leaks("MASK-08", &["UPDATE customers SET name = email WHERE id = 1 RETURNING name"]),
    leaks("MASK-08", &["UPDATE customers c SET name = c::text WHERE id = 4 RETURNING name"]),
    leaks(
        "MASK-08",
        &["UPDATE customers SET (name, tier) = (SELECT email, ssn) WHERE id = 4 RETURNING name"],
    ),
    leaks("MASK-08", &["UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING *"]),
    leaks(
        "MASK-08",
        &[
            "UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING to_jsonb(c), email(c), (c).ssn",
        ],
    ),
    leaks(
        "MASK-08",
        &["UPDATE customers c SET tier = 'x' WHERE id = 1 RETURNING (SELECT c.email), ARRAY[ssn]"],
    ),
    leaks(
        "MASK-08",
        &[
            "UPDATE orders SET note = c.email FROM customers c WHERE c.id = customer_id AND c.id = 1 RETURNING note",
        ],
    ),
    leaks(
        "MASK-08",
        &["INSERT INTO customers (id, name, email, ssn, card) VALUES (1, 'n', 'e', 's', 'c') \
           ON CONFLICT (id) DO UPDATE SET name = customers.email RETURNING name"],
    ),
    leaks(
        "MASK-08",
        &["INSERT INTO customers (id, name, email, ssn, card) VALUES (1, 'n', 'e', 's', 'c') \
           ON CONFLICT (id) DO UPDATE SET tier = 'x' RETURNING customers.email, customers"],
    ),
    leaks(
        "MASK-08",
        &[
            "MERGE INTO orders o USING customers c ON c.id = o.customer_id \
             WHEN MATCHED AND o.id = 1 THEN UPDATE SET note = c.email",
            "SELECT note FROM orders WHERE id = 1",
        ],
    ),
    leaks(
        "MASK-08",
        &["CREATE TEMP TABLE t AS SELECT email AS e FROM customers", "SELECT e FROM t"],
    ),
    leaks("MASK-08", &["SELECT email INTO TEMP t FROM customers", "SELECT * FROM t"]),
    leaks(
        "MASK-08",
        &["INSERT INTO notes (body) SELECT email FROM customers", "SELECT body FROM notes"],
    ),
    leaks(
        "MASK-08",
        &["INSERT INTO notes (body) VALUES ((SELECT max(ssn) FROM customers)) RETURNING body"],
    ),
    leaks("MASK-08", &["UPDATE contact SET name = 'x' WHERE id = 1 RETURNING reach_at"]),
    leaks("MASK-08", &["UPDATE contact SET name = reach_at WHERE id = 1 RETURNING name"]),
    leaks(
        "MASK-08",
        &[
            "WITH d AS (DELETE FROM members WHERE id = (SELECT min(id) FROM members) RETURNING *) SELECT * FROM d",
        ],
    ),
    leaks(
        "MASK-09",
        &[
            "CREATE VIEW laundry AS SELECT email AS contact FROM customers",
            "SELECT contact FROM laundry",
        ],
    ),
    leaks(
        "MASK-09",
        &[
            "CREATE MATERIALIZED VIEW laundry AS SELECT email AS c FROM customers",
            "SELECT c FROM laundry",
        ],
    ),
    acts("MASK-09", &["CREATE RULE r AS ON INSERT TO notes DO ALSO DELETE FROM payments"]),
    leaks(
        "MASK-09",
        &[
            "ALTER TABLE customers ADD COLUMN x text GENERATED ALWAYS AS (lower(email)) STORED",
            "SELECT x FROM customers",
        ],
    ),
    leaks(
        "MASK-09",
        &[
            "ALTER TABLE customers RENAME COLUMN email TO innocuous",
            "SELECT innocuous FROM customers",
        ],
    ),
    leaks("MASK-09", &["ALTER TABLE customers RENAME TO others", "SELECT email FROM others"]),
    leaks(
        "MASK-09",
        &[
            "ALTER TABLE customers ALTER COLUMN tier TYPE text USING email",
            "SELECT tier FROM customers",
        ],
    ),
    acts("MASK-09", &["CREATE TABLE laundry (LIKE customers INCLUDING ALL)"]),
    leaks(
        "MASK-09",
        &[
            "CREATE TABLE above (LIKE customers)",
            "ALTER TABLE customers INHERIT above",
            "SELECT email FROM above",
        ],
    ),
    leaks("MASK-09", &["SELECT ssn FROM above_members"]),
    leaks("MASK-09", &["SELECT token FROM above_secrets"]),
    leaks("MASK-09", &["SELECT s FROM above_secrets s"]),
    tells("MASK-09", &["SELECT count(*) FROM above_secrets WHERE token LIKE 'hush%'"]),
    leaks("MASK-09", &["SELECT address FROM people"]),
    leaks("MASK-09", &["SELECT address FROM people_1"]),
    leaks("MASK-09", &["SELECT reach_at FROM contact"]),
    leaks("MASK-09", &["SELECT a FROM of_a_view"]),
    leaks("MASK-09", &["SELECT last FROM counted"]),
    leaks("MASK-09", &["SELECT e FROM kept"]),
    leaks(
        "MASK-12",
        &[
            "SELECT lo_from_bytea(4242, (SELECT string_agg(email, ',')::bytea FROM customers))",
            "SELECT encode(lo_get(4242), 'hex')",
        ],
    ),
    acts(
        "MASK-12",
        &[
            "SELECT lo_from_bytea(4242, 'x')",
            "SELECT lo_export(4242, '/tmp/jurat-e2e-large-object')",
        ],
    ),
    acts(
        "MASK-12",
        &["SELECT lo_from_bytea(4242, 'x')", "SELECT loread(lo_open(4242, 262144), 10)"],
    ),
    leaks(
        "MASK-12",
        &["SELECT lo_from_bytea(0, bytes) FROM typed", "SELECT data FROM pg_largeobject"],
    ),
    leaks(
        "MASK-13",
        &["SELECT set_config('app.x', (SELECT email FROM customers LIMIT 1), false)", "SHOW app.x"],
    ),
    leaks(
        "MASK-13",
        &[
            "SELECT set_config('app.x', email, false) FROM customers WHERE id = 1",
            "SELECT current_setting('app.x')",
        ],
    ),
    leaks(
        "MASK-13",
        &["SELECT set_config('application_name', (SELECT max(ssn) FROM customers), true)"],
    ),
    leaks(
        "MASK-14",
        &["DO $$ BEGIN RAISE NOTICE '%', (SELECT email FROM customers LIMIT 1); END $$"],
    ),
    leaks(
        "MASK-14",
        &[
            "DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = 'x', DETAIL = (SELECT email FROM customers LIMIT 1); END $$",
        ],
    ),
    leaks("MASK-14", &["SELECT first_email()"]),
    leaks("MASK-14", &["SELECT * FROM first_email()"]),
    leaks("MASK-14", &["SELECT (first_row()).ssn"]),
    leaks("MASK-14", &["CALL give(NULL)"]),
    leaks("MASK-15", &["SELECT id FROM customers WHERE ssn <<< 'x' AND id < 3"]),
    leaks("MASK-15", &["SELECT id FROM customers WHERE murmurs(ssn) = 'x'"]),
];

//! INF: questions about a protected value whose answers add up to it. META: what the server itself tells about data.

use super::{Attack, acts, fails, leaks, tells};

#[tokio::test]
async fn inf_questions_about_protected_values() {
    super::every(INF).await;
}

#[tokio::test]
async fn meta_what_the_server_tells_about_data() {
    super::every(META).await;
}

pub(super) const INF: &[Attack] = &[
    tells("INF-01", &["SELECT id FROM customers WHERE email LIKE 'canary1%' ORDER BY id"]),
    tells("INF-01", &["SELECT id FROM customers WHERE ssn ~ '^999' ORDER BY id"]),
    tells("INF-01", &["SELECT id FROM customers WHERE card BETWEEN '4' AND '5' ORDER BY id"]),
    tells("INF-01", &["SELECT count(*) FILTER (WHERE email LIKE 'canary%') FROM customers"]),
    tells(
        "INF-01",
        &["SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE email LIKE 'canary1@%')"],
    ),
    tells(
        "INF-01",
        &["SELECT sum(CASE WHEN starts_with(email, 'canary') THEN 1 ELSE 0 END) FROM customers"],
    ),
    tells("INF-01", &["SELECT email = 'canary1@leak.example' FROM customers WHERE id = 1"]),
    tells(
        "INF-01",
        &["SELECT email IS NOT DISTINCT FROM 'canary1@leak.example' FROM customers WHERE id = 1"],
    ),
    tells("INF-01", &["SELECT bool_or(email LIKE 'canary1@%') FROM customers"]),
    tells(
        "INF-01",
        &[
            "SELECT CASE email WHEN 'canary1@leak.example' THEN 1 ELSE 0 END FROM customers WHERE id = 1",
        ],
    ),
    tells(
        "INF-01",
        &["SELECT nullif(email, 'canary1@leak.example') IS NULL FROM customers WHERE id = 1"],
    ),
    tells("INF-01", &["SELECT position('canary' IN email) FROM customers WHERE id = 1"]),
    tells("INF-01", &["SELECT id FROM customers c WHERE c::text LIKE '%999-55-0003%'"]),
    tells(
        "INF-01",
        &["SELECT id FROM customers c WHERE to_jsonb(c) @> '{\"ssn\": \"999-55-0003\"}'"],
    ),
    tells(
        "INF-01",
        &[
            "SELECT id FROM customers c WHERE (c).email LIKE 'canary3@%' OR email(c) LIKE 'canary4@%'",
        ],
    ),
    tells("INF-01", &["SELECT count(*) FROM customers HAVING max(email) > 'b'"]),
    tells(
        "INF-01",
        &["SELECT id FROM orders LIMIT (SELECT substr(ssn, 8)::int FROM customers WHERE id = 3)"],
    ),
    tells(
        "INF-01",
        &[
            "SELECT count(*) FROM generate_series(1, (SELECT substr(ssn, 8)::int FROM customers WHERE id = 7))",
        ],
    ),
    tells("INF-01", &["SELECT generate_series(1, length(email)) FROM customers WHERE id = 1"]),
    tells("INF-01", &["SELECT id FROM contact WHERE reach_at LIKE 'canary1@%'"]),
    acts("INF-01", &["UPDATE contact SET name = 'x' WHERE reach_at LIKE 'canary1@%'"]),
    acts("INF-01", &["UPDATE customers SET tier = 'x' WHERE email LIKE 'canary1@%'"]),
    acts("INF-01", &["DELETE FROM members m WHERE to_jsonb(m)->>'ssn' = '999-55-0003'"]),
    acts(
        "INF-01",
        &["UPDATE customers SET tier = 'x' FROM orders o WHERE o.note = customers.email"],
    ),
    acts(
        "INF-01",
        &[
            "MERGE INTO members m USING orders o ON m.id = o.id WHEN MATCHED AND m.ssn LIKE '999%' THEN DELETE",
        ],
    ),
    tells("INF-02", &["SELECT id FROM customers ORDER BY ssn DESC"]),
    tells("INF-02", &["SELECT id, email FROM customers ORDER BY 2 DESC"]),
    tells("INF-02", &["SELECT id FROM customers c ORDER BY c.ssn DESC, c"]),
    tells("INF-02", &["SELECT DISTINCT ON (card) id FROM customers ORDER BY card DESC"]),
    tells("INF-02", &["SELECT substr(email, 1, 7), count(*) FROM customers GROUP BY 1 ORDER BY 1"]),
    tells("INF-02", &["SELECT count(*) FROM customers GROUP BY ROLLUP (ssn)"]),
    tells("INF-02", &["SELECT count(*) FROM customers GROUP BY GROUPING SETS ((email), ())"]),
    tells("INF-02", &["SELECT id, ntile(4) OVER (ORDER BY card DESC) FROM customers"]),
    tells(
        "INF-02",
        &["SELECT id, count(*) OVER (PARTITION BY right(ssn, 1)) FROM customers ORDER BY id"],
    ),
    tells("INF-02", &["SELECT id, rank() OVER w FROM customers WINDOW w AS (ORDER BY email DESC)"]),
    tells("INF-02", &["SELECT string_agg(id::text, ',' ORDER BY email DESC) FROM customers"]),
    tells("INF-02", &["SELECT count(DISTINCT right(email, 15)) FROM customers"]),
    tells(
        "INF-03",
        &[
            "SELECT c.id FROM customers c JOIN (VALUES ('canary3@leak.example')) v(e) ON c.email = v.e",
        ],
    ),
    tells("INF-03", &["SELECT id FROM customers JOIN (SELECT '999-55-0003' AS ssn) s USING (ssn)"]),
    tells("INF-03", &["SELECT id FROM customers NATURAL JOIN (SELECT '999-55-0003' AS ssn) s"]),
    tells(
        "INF-03",
        &[
            "SELECT v FROM (VALUES ('canary3@leak.example')) v(e) WHERE e IN (SELECT email FROM customers)",
        ],
    ),
    tells("INF-03", &["SELECT 1 WHERE 'canary3@leak.example' = ANY (SELECT email FROM customers)"]),
    tells(
        "INF-03",
        &["SELECT ARRAY(SELECT email FROM customers) @> ARRAY['canary3@leak.example']"],
    ),
    tells("INF-03", &["SELECT 'canary3@leak.example' INTERSECT SELECT email FROM customers"]),
    tells(
        "INF-03",
        &[
            "SELECT count(*) FROM (SELECT 'canary3@leak.example' EXCEPT SELECT email FROM customers) q",
        ],
    ),
    fails(
        "INF-04",
        &["SELECT 1 / (CASE WHEN email LIKE 'canary%' THEN 0 ELSE 1 END) FROM customers"],
    ),
    leaks("INF-04", &["SELECT email::int FROM customers"]),
    leaks("INF-04", &["SELECT ssn::inet FROM customers"]),
    leaks("INF-04", &["SELECT email::mood FROM customers"]),
    leaks("INF-04", &["SELECT email::json FROM customers"]),
    leaks("INF-04", &["SELECT ('<' || email)::xml FROM customers"]),
    leaks("INF-04", &["SELECT email::regclass, nextval(email) FROM customers"]),
    leaks("INF-04", &["SELECT current_setting(email) FROM customers"]),
    leaks("INF-04", &["SELECT id FROM customers WHERE email::date = now()"]),
    leaks("INF-04", &["SELECT convert_from(email::bytea, email) FROM customers"]),
    leaks(
        "INF-05",
        &["UPDATE customers SET email = (SELECT email FROM customers WHERE id = 2) WHERE id = 1"],
    ),
    leaks("INF-05", &["UPDATE customers SET tier = NULL WHERE id = 1"]),
    leaks("INF-05", &["DELETE FROM customers WHERE id = 3"]),
    leaks("INF-05", &["DELETE FROM groups WHERE id = 1"]),
    leaks("INF-05", &["BEGIN", "DELETE FROM customers WHERE id = 5", "COMMIT"]),
    leaks(
        "INF-05",
        &["BEGIN", "DELETE FROM customers WHERE id = 5", "SET CONSTRAINTS ALL IMMEDIATE"],
    ),
    leaks("INF-05", &["INSERT INTO members SELECT id + 100, NULL, ssn FROM members"]),
    acts(
        "INF-05",
        &[
            "INSERT INTO customers (id, name, email, ssn, card) VALUES (99, 'n', 'canary1@leak.example', 's', 'c') \
           ON CONFLICT (email) DO NOTHING",
        ],
    ),
    acts(
        "INF-06",
        &["SELECT CASE WHEN email LIKE 'canary%' THEN pg_sleep(0.01) END FROM customers LIMIT 1"],
    ),
    acts("INF-06", &["SELECT pg_sleep(length(email) / 10000) FROM customers LIMIT 1"]),
    tells(
        "INF-06",
        &[
            "SELECT pg_advisory_lock(ascii(substr(email, 2))) FROM customers WHERE id = 1",
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        ],
    ),
    tells("INF-07", &["SELECT avg(substr(ssn, 8)::int) FROM customers WHERE id = 7"]),
    tells("INF-07", &["SELECT max(length(email)) FROM customers WHERE id = 7"]),
    tells("INF-08", &["EXPLAIN SELECT id FROM customers WHERE ssn = '999-55-0001'"]),
    tells("INF-08", &["EXPLAIN SELECT id FROM customers WHERE email LIKE 'canary1%'"]),
    tells("INF-08", &["EXPLAIN ANALYZE SELECT id FROM customers WHERE ssn = '999-55-0001'"]),
    tells("INF-08", &["EXPLAIN SELECT DISTINCT email FROM customers GROUP BY email"]),
    leaks(
        "INF-08",
        &[
            "EXPLAIN (VERBOSE, COSTS OFF) SELECT 1 FROM customers WHERE email < 'canary5@leak.example'",
        ],
    ),
    acts("INF-08", &["EXPLAIN ANALYZE DELETE FROM payments"]),
];

pub(super) const META: &[Attack] = &[
    leaks("META-01", &["SELECT histogram_bounds FROM pg_stats WHERE tablename = 'customers'"]),
    leaks(
        "META-01",
        &["SELECT most_common_vals::text, histogram_bounds::text FROM pg_catalog.pg_stats"],
    ),
    leaks("META-01", &["SELECT stavalues1::text, stavalues2::text FROM pg_statistic"]),
    leaks("META-01", &["SELECT most_common_vals FROM pg_stats_ext"]),
    acts("META-01", &["SELECT * FROM pg_stats_ext_exprs"]),
    leaks(
        "META-01",
        &["SELECT m.values FROM pg_statistic_ext_data d, pg_mcv_list_items(d.stxdmcv) m"],
    ),
    leaks("META-01", &["SELECT row_to_json(s) FROM pg_stats s"]),
    leaks("META-01", &["WITH s AS (TABLE pg_stats) SELECT * FROM s"]),
    leaks("META-01", &["COPY (SELECT * FROM pg_stats) TO STDOUT"]),
    leaks("META-02", &["SELECT query FROM pg_stat_activity WHERE query LIKE '%canary' || '%'"]),
    leaks(
        "META-02",
        &["PREPARE p AS SELECT 'canary'", "SELECT statement FROM pg_prepared_statements"],
    ),
    leaks(
        "META-02",
        &["BEGIN", "DECLARE c CURSOR FOR SELECT 'canary'", "SELECT statement FROM pg_cursors"],
    ),
    leaks(
        "META-02",
        &[
            "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND datname <> 'canary'",
        ],
    ),
    leaks("META-02", &["SELECT current_query(), 'canary'"]),
    acts("META-02", &["SELECT * FROM pg_stat_get_activity(NULL)"]),
    acts("META-02", &["SELECT pg_stat_get_backend_activity(1)"]),
    fails("META-02", &["SELECT query FROM pg_stat_statements"]),
    acts("META-03", &["SELECT rolpassword FROM pg_authid"]),
    acts("META-03", &["SELECT * FROM pg_shadow"]),
    acts("META-03", &["SELECT umoptions FROM pg_user_mapping"]),
    acts("META-03", &["SELECT * FROM pg_user_mappings"]),
    acts("META-03", &["SELECT * FROM information_schema.user_mapping_options"]),
    acts("META-03", &["SELECT subconninfo FROM pg_subscription"]),
    acts("META-03", &["SELECT * FROM pg_hba_file_rules"]),
    acts("META-03", &["SELECT * FROM pg_file_settings"]),
    acts("META-03", &["SELECT pg_show_all_file_settings()"]),
    acts(
        "META-04",
        &[
            "SELECT pg_get_functiondef('first_email'::regproc), query_to_xml('select 1', true, true, '')",
        ],
    ),
    tells("META-05", &["SELECT ctid, xmin, email FROM customers ORDER BY id"]),
    tells(
        "META-05",
        &["SELECT pg_column_size(email), pg_column_size(ssn) FROM customers ORDER BY id"],
    ),
    tells("META-05", &["SELECT length(email), octet_length(card) FROM customers ORDER BY id"]),
    acts("META-05", &["SELECT pg_read_binary_file(pg_relation_filepath('customers'))"]),
    fails("META-05", &["SELECT * FROM heap_page_items(get_raw_page('customers', 0))"]),
];

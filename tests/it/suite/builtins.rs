//! Promise: what the functions of a server can do is known for every one that a client can call, and a function
//! that somebody has added to the server's own schema is not taken for one of them.

use std::collections::BTreeSet;

use crate::harness::{Setup, Shop, cluster};

/// The allow-list.
const CLASSES: &str = include_str!("../../../crates/jurat-sql/data/functions.txt");

/// Functions of `pg_catalog` that come with the server and can be called at all: those that take or give what no
/// expression has (`internal`, `cstring`, triggers, handlers) cannot.
const CALLABLE: &str = "
SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384
  AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) t WHERE t IN ('internal'::regtype, 'cstring'::regtype))
  AND p.prorettype::regtype::text NOT IN ('internal', 'cstring', 'trigger', 'event_trigger', 'language_handler',
    'fdw_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler')";

/// What no client calls and the list leaves out: how types are sent, steps of aggregates, support of indexes.
fn is_internal(name: &str) -> bool {
    const ENDS: [&str; 13] = [
        "send",
        "typmodin",
        "_accum",
        "_accum_inv",
        "_combine",
        "_canonical",
        "_subdiff",
        "_validator",
        "_transfn",
        "_statefunc",
        "equalimage",
        "_larger",
        "_smaller",
    ];
    const NAMES: [&str; 20] = [
        "currtid2",
        "gin_cmp_tslexeme",
        "gin_compare_jsonb",
        "gist_translate_cmptype_common",
        "int2_sum",
        "int2int4_sum",
        "int4_sum",
        "int4inc",
        "int8_avg",
        "int8_sum",
        "int8dec",
        "int8dec_any",
        "int8inc",
        "int8inc_any",
        "int8inc_float8_float8",
        "interval_avg",
        "numeric_inc",
        "pg_isolation_test_session_is_blocked",
        "satisfies_hash_partition",
        "spg_poly_quad_compress",
    ];
    ENDS.iter().any(|end| name.ends_with(end))
        || NAMES.contains(&name)
        || name.starts_with("float8_")
        || name == "xmlvalidate"
}

#[tokio::test]
async fn every_function_that_can_be_called_has_a_class() {
    let Some(cluster) = cluster::cluster() else { return };
    let listed: BTreeSet<&str> = CLASSES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(' ').skip(1))
        .collect();
    let database = cluster.database().await;
    let client = cluster.connect(cluster::ADMIN, &database).await;
    let names: Vec<String> =
        client.query(CALLABLE, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(names.len() > 1800, "{}", names.len());
    let missing: Vec<&String> =
        names.iter().filter(|name| !listed.contains(name.as_str()) && !is_internal(name)).collect();
    assert!(missing.is_empty(), "without a class in functions.txt: {missing:?}");
}

#[tokio::test]
async fn an_overload_that_was_added_to_pg_catalog_is_not_known() {
    let Some(shop) = Shop::open(Setup::default()).await else { return };
    let admin = shop.cluster.connect(cluster::ADMIN, &shop.database).await;
    admin
        .batch_execute(
            "SET allow_system_table_mods = on;
            CREATE FUNCTION pg_catalog.upper(int) RETURNS text LANGUAGE sql
                AS 'SELECT email FROM public.customers WHERE id = $1'",
        )
        .await
        .unwrap();
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run("SELECT lower('A')").await.sqlstate(), "00000");
    let refused = wire.run("SELECT upper(7)").await;
    assert_eq!(refused.sqlstate(), "42501", "{refused:?}");
    shop.close().await;
}

/// Promise: what applications have installed does not stand in their way. The functions of well-known extensions
/// compute, whether they are called or run behind a default, an index or a check.
#[tokio::test]
async fn functions_of_well_known_extensions_are_ordinary_ones() {
    let Some(shop) = Shop::open(Setup::default()).await else { return };
    let admin = shop.cluster.connect(cluster::ADMIN, &shop.database).await;
    admin
        .batch_execute(
            "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; CREATE EXTENSION tablefunc;
            CREATE TABLE members (id int PRIMARY KEY, handle citext UNIQUE,
                traits hstore DEFAULT hstore('likes', 'tea'), CHECK (handle <> 'nobody'));
            GRANT ALL ON members TO PUBLIC",
        )
        .await
        .unwrap();
    let mut wire = shop.wire("dora").await;
    for text in [
        "INSERT INTO members (id, handle) VALUES (1, 'Ada') RETURNING id",
        "SELECT handle, replace(handle, 'a', 'b'), traits -> 'likes', similarity(handle::text, 'ada') FROM members WHERE handle = 'ADA'",
        "UPDATE members SET traits = delete(traits, 'likes') WHERE handle = 'ada'",
        "SELECT replace('a', 'b', 'c'), split_part('a.b', '.', 1)",
    ] {
        let reply = wire.run(text).await;
        assert_eq!(reply.sqlstate(), "00000", "{text}: {reply:?}");
    }
    // An extension that runs SQL that it is given is none of them.
    let refused = wire.run("SELECT * FROM crosstab('SELECT 1, 2, 3') AS c(a int, b int)").await;
    assert_eq!(refused.sqlstate(), "42501", "{refused:?}");
    shop.close().await;
}

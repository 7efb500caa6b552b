//! Tests of the snapshot queries' text and of the reading of their rows.

use jurat_types::{Catalog, RelationKind, RelationName};

use super::{
    CATALOG_QUERIES, CATALOG_QUERY_COUNT, CatalogError, CatalogReader, SEARCH_PATH_QUERY,
    SNAPSHOT_BYTES_MAX, parse_search_path,
};

const VERSION: (usize, &[&str]) = (0, &["15.20"]);

/// Feeds rows as (query index, values); the value `NULL` stands for a null.
fn read(rows: &[(usize, &[&str])]) -> Result<Catalog, CatalogError> {
    let mut reader = CatalogReader::new();
    for (query, values) in rows {
        feed(&mut reader, *query, values)?;
    }
    reader.finish()
}

fn feed(reader: &mut CatalogReader, query: usize, values: &[&str]) -> Result<(), CatalogError> {
    let columns: Vec<_> =
        values.iter().map(|value| (*value != "NULL").then_some(value.as_bytes())).collect();
    reader.row(query, &columns)
}

/// What a relation reads, as `schema.name.column` and `schema.name.*`.
fn reads(catalog: &Catalog, name: &str) -> Vec<String> {
    let relation = catalog.relations.iter().find(|relation| relation.name.name == name).unwrap();
    let sources = relation.reads.iter();
    sources
        .map(|source| format!("{}.{}", source.relation, source.column.as_deref().unwrap_or("*")))
        .collect()
}

/// The queries without their comments.
fn statements() -> Vec<String> {
    let lines = CATALOG_QUERIES.lines().filter(|line| !line.starts_with("--"));
    let text: Vec<&str> = lines.collect();
    let parts = text.join("\n");
    parts.split(';').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_text_holds_as_many_queries_as_the_reader_takes() {
    assert_eq!(statements().len(), CATALOG_QUERY_COUNT);
    for statement in statements() {
        assert!(statement.starts_with("SELECT "), "{statement}");
    }
}

#[test]
fn the_queries_look_nothing_up_through_the_search_path() {
    for statement in statements() {
        for bare in [" = ", " <> ", " < ", " >= ", " > ", " || ", " ~ ", " IN ", " LIKE ", " USING"]
        {
            assert!(!statement.contains(bare), "{bare:?} in: {statement}");
        }
        for source in ["FROM ", "JOIN ", "LATERAL "] {
            for after in statement.split(source).skip(1) {
                // A WITH query goes before every relation.
                let qualified = ["pg_catalog.", "LATERAL ", "(", "below"];
                let known = qualified.iter().any(|start| after.starts_with(start));
                assert!(known, "{source}{after}");
            }
        }
        for after in statement.split("::").skip(1) {
            assert!(after.starts_with("pg_catalog."), "::{after}");
        }
    }
}

#[test]
fn rows_become_a_catalog() {
    let catalog = read(&[
        VERSION,
        (1, &["public"]),
        (1, &["shop"]),
        (2, &["10", "public", "customers", "r"]),
        (2, &["11", "shop", "orders", "p"]),
        (3, &["10", "1", "id", "integer", "pg_catalog", "f", "f", "t"]),
        (3, &["10", "3", "name", "character varying(80)", "pg_catalog", "f", "f", "f"]),
        (6, &["pg_catalog", "lower", "f", "f", "NULL"]),
        (6, &["public", "digest", "f", "t", "pgcrypto"]),
        (6, &["shop", "refund", "t", "t", "NULL"]),
        (7, &["shop", "orders", "public", "customers", "t", "f"]),
        (8, &["shop", "orders", "stamp", "shop", "set_time"]),
        (9, &["shop", "mood"]),
        (10, &[r#"["pg_catalog","public"]"#]),
        (11, &["11", " SELECT 1;"]),
        (11, &["10", "NULL"]),
        (11, &["99", " SELECT 2;"]),
        (12, &["10", "3", "", "character varying(80)"]),
        (12, &["99", "1", "public.", "citext"]),
    ])
    .unwrap();
    let expected = serde_json::json!({
        "server_version": "15.20",
        "has_system": true,
        "schemas": ["public", "shop"],
        "relations": [
            {
                "name": { "schema": "public", "name": "customers" },
                "kind": "table",
                "columns": [
                    { "name": "id", "data_type": "integer", "attnum": 1, "key": true },
                    {
                        "name": "name", "data_type": "character varying(80)", "attnum": 3,
                        "base_type": "character varying(80)",
                    },
                ],
                "oid": 10,
                "reads": [],
                "parents": [],
            },
            {
                "name": { "schema": "shop", "name": "orders" },
                "kind": "partitioned_table",
                "columns": [],
                "oid": 11,
                "reads": [],
                "definition": " SELECT 1;",
                "parents": [],
            },
        ],
        "functions": [
            { "name": { "schema": "pg_catalog", "name": "lower" }, "security_definer": false },
            { "name": { "schema": "public", "name": "digest" }, "security_definer": false, "added": true,
              "extension": "pgcrypto" },
            { "name": { "schema": "shop", "name": "refund" }, "security_definer": true, "added": true },
        ],
        "foreign_keys": [{
            "referencing": { "schema": "shop", "name": "orders" },
            "referenced": { "schema": "public", "name": "customers" },
            "on_delete_writes": true,
            "on_update_writes": false,
        }],
        "triggers": [{
            "relation": { "schema": "shop", "name": "orders" },
            "name": "stamp",
            "function": { "schema": "shop", "name": "set_time" },
        }],
        "types": [{ "schema": "shop", "name": "mood" }],
        "definition_path": ["pg_catalog", "public"],
    });
    assert_eq!(serde_json::to_value(catalog).unwrap(), expected);
}

#[test]
fn every_relation_kind_has_its_letter() {
    for (letter, kind) in [
        ("r", Ok(RelationKind::Table)),
        ("p", Ok(RelationKind::PartitionedTable)),
        ("v", Ok(RelationKind::View)),
        ("m", Ok(RelationKind::MaterializedView)),
        ("f", Ok(RelationKind::ForeignTable)),
        ("S", Ok(RelationKind::Sequence)),
        ("c", Ok(RelationKind::Composite)),
        ("i", Err(CatalogError::Value { query: 2, column: 3 })),
        ("rr", Err(CatalogError::Value { query: 2, column: 3 })),
    ] {
        let catalog = read(&[VERSION, (2, &["1", "public", "t", letter])]);
        assert_eq!(catalog.map(|catalog| catalog.relations[0].kind), kind, "{letter}");
    }
}

#[test]
fn a_type_outside_pg_catalog_always_carries_its_schema() {
    for (formatted, schema, left_out, expected) in [
        ("mood[]", "shop", "t", "shop.mood[]"),
        ("\"E mail\"", "\"My Shop\"", "t", "\"My Shop\".\"E mail\""),
        ("shop.mood", "shop", "f", "shop.mood"),
        ("timestamp with time zone", "pg_catalog", "f", "timestamp with time zone"),
    ] {
        let catalog = read(&[
            VERSION,
            (2, &["1", "public", "t", "r"]),
            (3, &["1", "1", "c", formatted, schema, left_out, "f", "f"]),
        ])
        .unwrap();
        assert_eq!(catalog.relations[0].columns[0].data_type, expected);
    }
}

#[test]
fn views_are_opened_through_views_down_to_tables() {
    let catalog = read(&[
        VERSION,
        (2, &["1", "public", "customers", "r"]),
        (2, &["2", "public", "contacts", "v"]),
        (2, &["3", "public", "newsletter", "m"]),
        (5, &["2", "public", "customers", "id"]),
        (5, &["2", "public", "customers", "email"]),
        (5, &["3", "public", "contacts", "email"]),
        (5, &["3", "public", "consents", "NULL"]),
    ])
    .unwrap();
    assert_eq!(reads(&catalog, "customers"), [""; 0]);
    assert_eq!(reads(&catalog, "contacts"), ["public.customers.email", "public.customers.id"]);
    assert_eq!(
        reads(&catalog, "newsletter"),
        [
            "public.consents.*",
            "public.contacts.email",
            "public.customers.email",
            "public.customers.id",
        ],
    );
}

#[test]
fn reading_the_whole_relation_takes_the_place_of_its_columns() {
    let column: (usize, &[&str]) = (5, &["2", "public", "customers", "id"]);
    let whole: (usize, &[&str]) = (5, &["2", "public", "customers", "NULL"]);
    for order in [[column, whole], [whole, column]] {
        let view: (usize, &[&str]) = (2, &["2", "public", "v", "v"]);
        let catalog = read(&[VERSION, view, order[0], order[1]]).unwrap();
        assert_eq!(reads(&catalog, "v"), ["public.customers.*"]);
    }
}

#[test]
fn views_that_read_each_other_end() {
    let catalog = read(&[
        VERSION,
        (2, &["1", "public", "a", "v"]),
        (2, &["2", "public", "b", "v"]),
        (5, &["1", "public", "b", "x"]),
        (5, &["2", "public", "a", "y"]),
        (5, &["2", "public", "t", "z"]),
    ])
    .unwrap();
    assert_eq!(reads(&catalog, "a"), ["public.b.x", "public.t.z"]);
    assert_eq!(reads(&catalog, "b"), ["public.a.y", "public.t.z"]);
}

#[test]
fn a_child_has_the_parents_of_its_parents() {
    let catalog = read(&[
        VERSION,
        (2, &["1", "public", "events", "p"]),
        (2, &["2", "public", "events_2026", "p"]),
        (2, &["3", "public", "events_2026_01", "r"]),
        (4, &["2", "public", "events"]),
        (4, &["3", "public", "events_2026"]),
        (4, &["3", "public", "stamped"]),
    ])
    .unwrap();
    let name = |name: &str| RelationName::new("public", name);
    let parents: Vec<_> = catalog.relations.iter().map(|relation| &relation.parents[..]).collect();
    assert_eq!(parents[0], []);
    assert_eq!(parents[1], [name("events")]);
    assert_eq!(parents[2], [name("events_2026"), name("stamped"), name("events")]);
}

#[test]
fn what_refers_to_a_relation_that_was_not_listed_is_dropped() {
    let catalog = read(&[
        VERSION,
        (3, &["9", "1", "id", "integer", "pg_catalog", "f", "f", "f"]),
        (4, &["9", "public", "parent"]),
        (5, &["9", "public", "customers", "id"]),
    ])
    .unwrap();
    let empty =
        Catalog { server_version: "15.20".to_owned(), has_system: true, ..Catalog::default() };
    assert_eq!(catalog, empty);
}

#[test]
fn an_answer_that_is_not_the_query_s_is_refused() {
    let value = |query, column| CatalogError::Value { query, column };
    let cases: [(usize, &[&str], CatalogError); 11] = [
        (13, &["x"], CatalogError::UnknownQuery { query: 13 }),
        (10, &["x"], CatalogError::SearchPath),
        (1, &[], CatalogError::RowWidth { query: 1, columns: 0 }),
        (1, &["a", "b"], CatalogError::RowWidth { query: 1, columns: 2 }),
        (0, &["NULL"], value(0, 0)),
        (2, &["4294967296", "public", "t", "r"], value(2, 0)),
        (2, &["-1", "public", "t", "r"], value(2, 0)),
        (3, &["1", "32768", "c", "integer", "pg_catalog", "f", "f", "f"], value(3, 1)),
        (3, &["1", "1", "c", "integer", "pg_catalog", "true", "f", "f"], value(3, 5)),
        (5, &["1", "public", "NULL", "id"], value(5, 2)),
        (6, &["public", "f", "NULL", "t", "NULL"], value(6, 2)),
    ];
    for (query, values, error) in cases {
        assert_eq!(read(&[VERSION, (query, values)]), Err(error), "{query}: {values:?}");
    }
}

#[test]
fn a_value_that_is_not_utf_8_is_refused() {
    let mut reader = CatalogReader::new();
    let error = CatalogError::Value { query: 1, column: 0 };
    assert_eq!(reader.row(1, &[Some(b"caf\xe9")]), Err(error));
}

#[test]
fn a_snapshot_without_a_version_is_incomplete() {
    assert_eq!(read(&[(1, &["public"])]), Err(CatalogError::Incomplete));
}

#[test]
fn a_snapshot_may_not_grow_without_bound() {
    let mut reader = CatalogReader::new();
    let name = "x".repeat(1 << 20);
    let mut taken = 0;
    let error = loop {
        match feed(&mut reader, 0, &[&name]) {
            Ok(()) => taken += name.len(),
            Err(error) => break error,
        }
    };
    assert_eq!((error, taken), (CatalogError::TooLarge, SNAPSHOT_BYTES_MAX));
}

#[test]
fn the_search_path_is_a_list_of_schemas() {
    assert!(SEARCH_PATH_QUERY.contains("current_schemas(true)"));
    for (value, schemas) in [
        (Some(r#"["pg_catalog","public"]"#), Ok(vec!["pg_catalog", "public"])),
        (Some(r#"["pg_temp_3","My \"Shop\", 2"]"#), Ok(vec!["pg_temp_3", "My \"Shop\", 2"])),
        (Some("[]"), Ok(vec![])),
        (Some("{public}"), Err(CatalogError::SearchPath)),
        (Some("[null]"), Err(CatalogError::SearchPath)),
        (Some(""), Err(CatalogError::SearchPath)),
        (None, Err(CatalogError::SearchPath)),
    ] {
        let expected = schemas.map(|names| names.into_iter().map(str::to_owned).collect());
        assert_eq!(parse_search_path(value.map(str::as_bytes)), expected, "{value:?}");
    }
}

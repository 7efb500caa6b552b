//! Tests of the reading of the snapshot's rows, with rows as MariaDB 10.11 and MySQL 9.7 gave them.

use jurat_types::{Catalog, Engine, RelationKind, RelationName};

use super::{
    CATALOG_QUERIES, COLUMN_COUNTS, CatalogError, CatalogReader, DATABASE_QUERY,
    SNAPSHOT_BYTES_MAX, parse_database,
};

/// A query's index and the values of a row; the value `NULL` stands for a null.
type Row<'r> = (usize, &'r [&'r str]);

const MARIADB: Row<'_> = (0, &["10.11.19-MariaDB-0+deb12u1", "0", "app@%"]);
const MYSQL: Row<'_> = (0, &["9.7.4-2", "0", "app@%"]);
const SYSTEM: Row<'_> = (2, &["information_schema", "COLUMNS", "SYSTEM VIEW", "1"]);

fn read(rows: &[Row<'_>]) -> Result<Catalog, CatalogError> {
    let mut reader = CatalogReader::new();
    for (query, values) in rows {
        feed(&mut reader, *query, values)?;
    }
    reader.finish()
}

fn feed(reader: &mut CatalogReader, query: usize, values: &[&str]) -> Result<(), CatalogError> {
    let columns: Vec<Option<Vec<u8>>> =
        values.iter().map(|value| (*value != "NULL").then(|| value.as_bytes().to_vec())).collect();
    reader.row(query, &columns)
}

#[test]
fn there_is_a_width_for_every_query_and_a_limit_in_it() {
    assert_eq!(CATALOG_QUERIES.len(), COLUMN_COUNTS.len());
    let (shows, selects): (Vec<&str>, Vec<&str>) =
        CATALOG_QUERIES.iter().partition(|query| query.starts_with("SHOW "));
    assert_eq!(shows, ["SHOW GRANTS", "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'"]);
    for query in selects.into_iter().chain([DATABASE_QUERY]) {
        assert!(query.starts_with("SELECT ") && query.contains(" LIMIT 1"), "{query}");
        // Each of these means something else under some sql_mode.
        for bare in ["\"", "||", "\\", "NOT (", "!"] {
            assert!(!query.contains(bare), "{bare} in: {query}");
        }
        for source in query.split("FROM ").skip(1) {
            assert!(source.starts_with("information_schema."), "{query}");
        }
    }
}

#[test]
fn rows_become_a_catalog() {
    let contacts = "select `shop`.`customers`.`id` AS `id`,`shop`.`customers`.`email` AS `address` \
                    from `shop`.`customers` where `shop`.`customers`.`tier` = 'pro'";
    let catalog = read(&[
        MARIADB,
        (1, &["information_schema"]),
        (1, &["shop"]),
        SYSTEM,
        (2, &["shop", "contacts", "VIEW", "1"]),
        (2, &["shop", "Orders", "BASE TABLE", "1"]),
        (2, &["shop", "prices", "SYSTEM VERSIONED", "1"]),
        (2, &["shop", "tickets", "SEQUENCE", "1"]),
        (3, &["information_schema", "COLUMNS", "1", "TABLE_CATALOG", "varchar(512)", "0", "0"]),
        (3, &["shop", "contacts", "1", "id", "int(10) unsigned", "0", "0"]),
        (3, &["shop", "Orders", "1", "id", "bigint(20)", "0", "1"]),
        (3, &["shop", "Orders", "4", "Total", "decimal(10,2)", "1", "0"]),
        (4, &["shop", "contacts", contacts]),
        (5, &["shop", "initials", "0"]),
        (5, &["shop", "purge_all", "1"]),
        (6, &["shop", "Orders", "crm", "customers", "1", "0"]),
        (7, &["shop", "Orders", "shop", "orders_audit"]),
        (8, &["'app'@'%'", "NULL", "NULL"]),
    ])
    .unwrap();
    let relation = |schema: &str, name: &str, kind: &str, columns: serde_json::Value| {
        serde_json::json!({
            "name": { "schema": schema, "name": name },
            "kind": kind,
            "columns": columns,
            "oid": 0,
            "reads": [],
            "parents": [],
        })
    };
    let mut view = relation(
        "shop",
        "contacts",
        "view",
        serde_json::json!([{ "name": "id", "data_type": "int(10) unsigned", "attnum": 1 }]),
    );
    view["definition"] = contacts.into();
    let expected = serde_json::json!({
        "engine": "mariadb",
        "server_version": "10.11.19-MariaDB-0+deb12u1",
        "has_system": true,
        "schemas": ["information_schema", "shop"],
        "relations": [
            relation("information_schema", "columns", "view", serde_json::json!([
                { "name": "TABLE_CATALOG", "data_type": "varchar(512)", "attnum": 1 },
            ])),
            view,
            relation("shop", "Orders", "table", serde_json::json!([
                { "name": "id", "data_type": "bigint(20)", "attnum": 1, "key": true },
                { "name": "Total", "data_type": "decimal(10,2)", "attnum": 4, "generated": true },
            ])),
            relation("shop", "prices", "table", serde_json::json!([])),
            relation("shop", "tickets", "sequence", serde_json::json!([])),
        ],
        "functions": [
            { "name": { "schema": "shop", "name": "initials" }, "security_definer": false },
            { "name": { "schema": "shop", "name": "purge_all" }, "security_definer": true },
        ],
        "foreign_keys": [{
            "referencing": { "schema": "shop", "name": "Orders" },
            "referenced": { "schema": "crm", "name": "customers" },
            "on_delete_writes": true,
            "on_update_writes": false,
        }],
        "triggers": [{
            "relation": { "schema": "shop", "name": "Orders" },
            "name": "orders_audit",
            "function": { "schema": "shop", "name": "orders_audit" },
        }],
        "types": [],
        "definition_path": [],
    });
    assert_eq!(serde_json::to_value(&catalog).unwrap(), expected);
}

#[test]
fn the_engine_is_known_by_more_than_its_version() {
    let only_mariadb: Row<'_> =
        (2, &["information_schema", "SYSTEM_VARIABLES", "SYSTEM VIEW", "1"]);
    for (rows, engine) in [
        (vec![MARIADB, SYSTEM], Engine::Mariadb),
        (vec![MYSQL, SYSTEM], Engine::Mysql),
        // MariaDB with `version=9.7.4` in its configuration.
        (vec![MYSQL, SYSTEM, only_mariadb], Engine::Mariadb),
    ] {
        assert_eq!(read(&rows).unwrap().engine, engine, "{rows:?}");
    }
}

#[test]
fn names_are_those_by_which_the_server_compares() {
    let names = |folding: &str| {
        let catalog = read(&[
            (0, &["9.7.4", folding, "app@%"]),
            SYSTEM,
            (1, &["Shop"]),
            (2, &["Shop", "Orders", "BASE TABLE", "1"]),
            (6, &["Shop", "Orders", "CRM", "Customers", "0", "0"]),
        ])
        .unwrap();
        let key = &catalog.foreign_keys[0];
        let relation = catalog.relations[1].name.to_string();
        let all = format!("{} {relation} {}", catalog.schemas[0], key.referenced);
        (all, catalog.folds_table_names)
    };
    assert_eq!(names("0"), ("Shop Shop.Orders CRM.Customers".to_owned(), false));
    // What the server lists under 1 is in lower case already.
    assert_eq!(names("1"), ("Shop Shop.Orders CRM.Customers".to_owned(), true));
    assert_eq!(names("2"), ("shop shop.orders crm.customers".to_owned(), true));
}

#[test]
fn a_view_whose_definition_is_kept_back_has_none() {
    for kept_back in ["", "NULL"] {
        let catalog = read(&[
            MARIADB,
            SYSTEM,
            (2, &["shop", "v", "VIEW", "1"]),
            (4, &["shop", "v", kept_back]),
        ]);
        assert_eq!(catalog.unwrap().relations[1].definition, None);
    }
}

#[test]
fn a_temporary_table_does_not_take_the_place_of_a_table() {
    let catalog = read(&[
        MARIADB,
        SYSTEM,
        (2, &["shop", "t", "BASE TABLE", "1"]),
        (2, &["shop", "t", "TEMPORARY", "1"]),
        (2, &["shop", "u", "TEMPORARY SEQUENCE", "1"]),
    ])
    .unwrap();
    let found: Vec<_> =
        catalog.relations.iter().skip(1).map(|relation| (&relation.name, relation.kind)).collect();
    assert_eq!(found, [(&RelationName::new("shop", "t"), RelationKind::Table)]);
}

#[test]
fn what_refers_to_a_relation_that_was_not_listed_is_dropped() {
    let catalog = read(&[
        MYSQL,
        SYSTEM,
        (3, &["shop", "gone", "1", "id", "int", "0", "0"]),
        (4, &["shop", "gone", "select 1 AS `1`"]),
    ])
    .unwrap();
    assert_eq!(catalog.relations.len(), 1);
}

#[test]
fn an_answer_that_is_not_the_query_s_is_refused() {
    let value = |query, column| CatalogError::Value { query, column };
    let cases: [Row<'_>; 9] = [
        (11, &["x"]),
        (1, &[]),
        (1, &["a", "b"]),
        (0, &["NULL", "0", "app@%"]),
        (0, &["9.7.4", "3", "app@%"]),
        (2, &["shop", "t", "MATERIALIZED VIEW", "1"]),
        (3, &["shop", "t", "32768", "c", "int", "0", "0"]),
        (3, &["shop", "t", "1", "c", "int", "YES", "0"]),
        (6, &["shop", "t", "shop", "NULL", "0", "0"]),
    ];
    let errors = [
        CatalogError::UnknownQuery { query: 11 },
        CatalogError::RowWidth { query: 1, columns: 0 },
        CatalogError::RowWidth { query: 1, columns: 2 },
        value(0, 0),
        value(0, 1),
        value(2, 2),
        value(3, 2),
        value(3, 5),
        value(6, 3),
    ];
    for (row, error) in cases.into_iter().zip(errors) {
        assert_eq!(read(&[MYSQL, SYSTEM, row]), Err(error), "{row:?}");
    }
}

#[test]
fn a_value_that_is_not_utf_8_is_refused() {
    let mut reader = CatalogReader::new();
    let error = CatalogError::Value { query: 1, column: 0 };
    assert_eq!(reader.row(1, &[Some(b"caf\xe9")]), Err(error));
}

#[test]
fn a_snapshot_without_what_every_server_has_is_incomplete() {
    assert_eq!(read(&[MYSQL]), Err(CatalogError::Incomplete));
    assert_eq!(read(&[SYSTEM]), Err(CatalogError::Incomplete));
}

#[test]
fn a_snapshot_may_not_grow_without_bound() {
    let mut reader = CatalogReader::new();
    let name = "x".repeat(1 << 20);
    let mut taken = 0;
    let error = loop {
        match feed(&mut reader, 1, &[&name]) {
            Ok(()) => taken += name.len(),
            Err(error) => break error,
        }
    };
    assert_eq!((error, taken), (CatalogError::TooLarge, SNAPSHOT_BYTES_MAX));
}

#[test]
fn the_database_in_use_can_be_none() {
    for (value, database) in [
        (None, Ok(None)),
        (Some("My Shop"), Ok(Some("My Shop".to_owned()))),
        (Some(""), Err(CatalogError::Database)),
    ] {
        assert_eq!(parse_database(value.map(str::as_bytes)), database, "{value:?}");
    }
    assert_eq!(parse_database(Some(b"\xff")), Err(CatalogError::Database));
}

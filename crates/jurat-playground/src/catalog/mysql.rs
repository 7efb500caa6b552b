//! `information_schema` as MySQL has it, as far as Jurat and common tools read it.

use rusqlite::types::Value;

use super::{CatalogTable, place, text, value, yes_or_no};
use crate::{
    DATABASE,
    engine::{ForeignKey, Relation, Schema},
    tokens::Dialect,
};

pub(super) const TABLES: &[CatalogTable] = &[
    CatalogTable {
        schema: "information_schema",
        name: "schemata",
        columns: "CATALOG_NAME text, SCHEMA_NAME text, DEFAULT_CHARACTER_SET_NAME text, \
                  DEFAULT_COLLATION_NAME text, SQL_PATH text",
        rows: |_| {
            let row = |name: &str| {
                let set = text("utf8mb4");
                vec![text("def"), text(name), set, text("utf8mb4_general_ci"), Value::Null]
            };
            vec![row("information_schema"), row(DATABASE)]
        },
    },
    CatalogTable {
        schema: "information_schema",
        name: "tables",
        columns: "TABLE_CATALOG text, TABLE_SCHEMA text, TABLE_NAME text, TABLE_TYPE text, \
                  ENGINE text, TABLE_ROWS bigint, TABLE_COLLATION text, TABLE_COMMENT text",
        rows: tables,
    },
    CatalogTable {
        schema: "information_schema",
        name: "engines",
        columns: "ENGINE text, SUPPORT text, COMMENT text, TRANSACTIONS text, XA text, SAVEPOINTS text",
        rows: |_| {
            let row = ["SQLite", "DEFAULT", "inside this program", "YES", "NO", "YES"];
            vec![row.into_iter().map(text).collect()]
        },
    },
    CatalogTable {
        schema: "information_schema",
        name: "columns",
        columns: "TABLE_CATALOG text, TABLE_SCHEMA text, TABLE_NAME text, COLUMN_NAME text, \
                  ORDINAL_POSITION bigint, COLUMN_DEFAULT text, IS_NULLABLE text, DATA_TYPE text, \
                  CHARACTER_MAXIMUM_LENGTH bigint, NUMERIC_PRECISION bigint, NUMERIC_SCALE bigint, \
                  CHARACTER_SET_NAME text, COLLATION_NAME text, COLUMN_TYPE text, COLUMN_KEY text, \
                  EXTRA text, COLUMN_COMMENT text, GENERATION_EXPRESSION text",
        rows: columns,
    },
    CatalogTable {
        schema: "information_schema",
        name: "key_column_usage",
        columns: "CONSTRAINT_CATALOG text, CONSTRAINT_SCHEMA text, CONSTRAINT_NAME text, \
                  TABLE_CATALOG text, TABLE_SCHEMA text, TABLE_NAME text, COLUMN_NAME text, \
                  ORDINAL_POSITION bigint, POSITION_IN_UNIQUE_CONSTRAINT bigint, \
                  REFERENCED_TABLE_SCHEMA text, REFERENCED_TABLE_NAME text, REFERENCED_COLUMN_NAME text",
        rows: keys,
    },
    CatalogTable {
        schema: "information_schema",
        name: "referential_constraints",
        columns: "CONSTRAINT_CATALOG text, CONSTRAINT_SCHEMA text, CONSTRAINT_NAME text, \
                  UNIQUE_CONSTRAINT_CATALOG text, UNIQUE_CONSTRAINT_SCHEMA text, \
                  UNIQUE_CONSTRAINT_NAME text, MATCH_OPTION text, UPDATE_RULE text, DELETE_RULE text, \
                  TABLE_NAME text, REFERENCED_TABLE_NAME text",
        rows: references,
    },
    CatalogTable {
        schema: "information_schema",
        name: "views",
        columns: "TABLE_CATALOG text, TABLE_SCHEMA text, TABLE_NAME text, VIEW_DEFINITION text, \
                  CHECK_OPTION text, IS_UPDATABLE text, DEFINER text, SECURITY_TYPE text",
        rows: views,
    },
    CatalogTable {
        schema: "information_schema",
        name: "triggers",
        columns: "TRIGGER_CATALOG text, TRIGGER_SCHEMA text, TRIGGER_NAME text, \
                  EVENT_MANIPULATION text, EVENT_OBJECT_SCHEMA text, EVENT_OBJECT_TABLE text, \
                  ACTION_TIMING text, ACTION_STATEMENT text, DEFINER text",
        rows: triggers,
    },
    CatalogTable {
        schema: "information_schema",
        name: "user_privileges",
        columns: "GRANTEE text, TABLE_CATALOG text, PRIVILEGE_TYPE text, IS_GRANTABLE text",
        rows: |_| {
            let grantee = text(format!("'{}'@'localhost'", crate::USER));
            vec![vec![grantee, text("def"), text("TRIGGER"), text("NO")]]
        },
    },
    CatalogTable {
        schema: "information_schema",
        name: "schema_privileges",
        columns: "GRANTEE text, TABLE_CATALOG text, TABLE_SCHEMA text, PRIVILEGE_TYPE text, \
                  IS_GRANTABLE text",
        rows: |_| Vec::new(),
    },
    CatalogTable {
        schema: "information_schema",
        name: "table_privileges",
        columns: "GRANTEE text, TABLE_CATALOG text, TABLE_SCHEMA text, TABLE_NAME text, \
                  PRIVILEGE_TYPE text, IS_GRANTABLE text",
        rows: |_| Vec::new(),
    },
    CatalogTable {
        schema: "information_schema",
        name: "routines",
        columns: "SPECIFIC_NAME text, ROUTINE_CATALOG text, ROUTINE_SCHEMA text, ROUTINE_NAME text, \
                  ROUTINE_TYPE text, DATA_TYPE text, ROUTINE_DEFINITION text, SECURITY_TYPE text, \
                  SQL_DATA_ACCESS text, DEFINER text",
        rows: |_| Vec::new(),
    },
    CatalogTable {
        schema: "information_schema",
        name: "parameters",
        columns: "SPECIFIC_SCHEMA text, SPECIFIC_NAME text, ORDINAL_POSITION bigint, \
                  PARAMETER_MODE text, PARAMETER_NAME text, DATA_TYPE text",
        rows: |_| Vec::new(),
    },
    CatalogTable {
        schema: "information_schema",
        name: "statistics",
        columns: "TABLE_CATALOG text, TABLE_SCHEMA text, TABLE_NAME text, NON_UNIQUE bigint, \
                  INDEX_SCHEMA text, INDEX_NAME text, SEQ_IN_INDEX bigint, COLUMN_NAME text, \
                  COLLATION text, CARDINALITY bigint, INDEX_TYPE text",
        rows: statistics,
    },
];

fn tables(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |relation: &Relation| {
        let view = relation.is_view();
        vec![
            text("def"),
            text(DATABASE),
            text(&relation.name),
            text(if view { "VIEW" } else { "BASE TABLE" }),
            if view { Value::Null } else { text("SQLite") },
            Value::Null,
            if view { Value::Null } else { text("utf8mb4_general_ci") },
            text(""),
        ]
    };
    let system = super::system_relations(Dialect::MySql).map(|(schema, name, _)| {
        let name = name.to_ascii_uppercase();
        let null = Value::Null;
        vec![
            text("def"),
            text(schema),
            text(name),
            text("SYSTEM VIEW"),
            text("MEMORY"),
            null.clone(),
            null,
            text(""),
        ]
    });
    schema.relations.iter().map(row).chain(system).collect()
}

fn columns(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = system_columns();
    for relation in &schema.relations {
        for (index, column) in relation.columns.iter().enumerate() {
            let name = column.kind.mysql_name();
            let arguments = column.declared.find('(').and_then(|at| column.declared.get(at..));
            let text_like = matches!(name, "text" | "varchar" | "char");
            let set = |name: &str| if text_like { text(name) } else { Value::Null };
            rows.push(vec![
                text("def"),
                text(DATABASE),
                text(&relation.name),
                text(&column.name),
                place(index),
                column.default.as_deref().map_or(Value::Null, text),
                text(yes_or_no(!column.not_null && column.key.is_none())),
                text(name),
                if text_like { value(65_535_i64) } else { Value::Null },
                Value::Null,
                Value::Null,
                set("utf8mb4"),
                set("utf8mb4_general_ci"),
                text(format!("{name}{}", arguments.unwrap_or_default())),
                text(if column.key.is_some() { "PRI" } else { "" }),
                text(""),
                text(""),
                text(""),
            ]);
        }
    }
    rows
}

/// The columns of these tables themselves.
fn system_columns() -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for (schema, relation, columns) in super::system_relations(Dialect::MySql) {
        for (index, (name, declared)) in columns.into_iter().enumerate() {
            let mut row = vec![Value::Null; COLUMNS];
            for (at, value) in [
                (0, text("def")),
                (1, text(schema)),
                (2, text(relation.to_ascii_uppercase())),
                (3, text(name)),
                (4, place(index)),
                (6, text("YES")),
                (7, text(declared)),
                (13, text(declared)),
                (14, text("")),
                (15, text("")),
                (16, text("")),
                (17, text("")),
            ] {
                if let Some(cell) = row.get_mut(at) {
                    *cell = value;
                }
            }
            rows.push(row);
        }
    }
    rows
}

/// How many columns `COLUMNS` has.
const COLUMNS: usize = 18;

/// The name of the foreign key that a column belongs to, in InnoDB's way.
fn key_name(relation: &Relation, key: &ForeignKey) -> String {
    format!("{}_ibfk_{}", relation.name, key.number.saturating_add(1))
}

fn keys(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for relation in &schema.relations {
        let mut push = |name: String, column: &str, at: usize, referenced: Option<&ForeignKey>| {
            let of = |part: fn(&ForeignKey) -> &str| {
                referenced.map_or(Value::Null, |key| text(part(key)))
            };
            rows.push(vec![
                text("def"),
                text(DATABASE),
                text(name),
                text("def"),
                text(DATABASE),
                text(&relation.name),
                text(column),
                place(at),
                if referenced.is_some() { value(1_i64) } else { Value::Null },
                of(|_| DATABASE),
                of(|key| &key.table),
                of(|key| &key.referenced),
            ]);
        };
        for (at, column) in relation.primary_key().into_iter().enumerate() {
            push("PRIMARY".to_owned(), &column.name, at, None);
        }
        for key in &relation.foreign_keys {
            push(key_name(relation, key), &key.column, 0, Some(key));
        }
    }
    rows
}

fn references(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for relation in &schema.relations {
        for key in &relation.foreign_keys {
            rows.push(vec![
                text("def"),
                text(DATABASE),
                text(key_name(relation, key)),
                text("def"),
                text(DATABASE),
                text("PRIMARY"),
                text("NONE"),
                text(&key.on_update),
                text(&key.on_delete),
                text(&relation.name),
                text(&key.table),
            ]);
        }
    }
    rows
}

fn views(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |relation: &Relation| {
        let definition = in_mysql_s_words(relation.definition.as_ref()?, schema);
        Some(vec![
            text("def"),
            text(DATABASE),
            text(&relation.name),
            text(definition),
            text("NONE"),
            text("NO"),
            text(format!("{}@localhost", crate::USER)),
            text("INVOKER"),
        ])
    };
    schema.relations.iter().filter_map(row).collect()
}

/// A view's text as MySQL keeps it: its tables have the name of their database in front, and types are MySQL's.
fn in_mysql_s_words(definition: &str, schema: &Schema) -> String {
    let mut text = String::new();
    let mut before = "";
    for word in definition.split_inclusive(char::is_whitespace) {
        let table = ["FROM", "JOIN"].iter().any(|word| word.eq_ignore_ascii_case(before));
        if table && schema.relation(word.trim()).is_some() {
            text.push_str(DATABASE);
            text.push('.');
        }
        text.push_str(word);
        before = word.trim();
    }
    text.replace(" AS bigint)", " AS SIGNED)")
}

fn triggers(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |(table, name): &(String, String)| {
        vec![
            text("def"),
            text(DATABASE),
            text(name),
            text("UPDATE"),
            text(DATABASE),
            text(table),
            text("AFTER"),
            text(""),
            text(format!("{}@localhost", crate::USER)),
        ]
    };
    schema.triggers.iter().map(row).collect()
}

fn statistics(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for relation in &schema.relations {
        let mut push = |name: &str, unique: bool, at: usize, column: &str| {
            rows.push(vec![
                text("def"),
                text(DATABASE),
                text(&relation.name),
                value(i64::from(!unique)),
                text(DATABASE),
                text(name),
                place(at),
                text(column),
                text("A"),
                Value::Null,
                text("BTREE"),
            ]);
        };
        for (at, column) in relation.primary_key().into_iter().enumerate() {
            push("PRIMARY", true, at, &column.name);
        }
        for index in &relation.indexes {
            for (at, column) in index.columns.iter().enumerate() {
                push(&index.name, index.unique, at, column);
            }
        }
    }
    rows
}

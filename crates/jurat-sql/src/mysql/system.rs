//! The servers' own relations, for a catalog without them, and those of their columns that show texts of
//! statements.

use jurat_types::{Engine, Relation};

use crate::builtin;

const MARIADB_TEXT: &str = include_str!("../../data/mariadb_system_relations.txt");
const MYSQL_TEXT: &str = include_str!("../../data/mysql_system_relations.txt");

/// Whether a database is one of the server's own.
pub(crate) fn is_system(schema: &str) -> bool {
    ["information_schema", "mysql", "performance_schema", "sys"].contains(&schema)
}

/// The relations of those databases, as one version of the server has them.
pub(crate) fn relations(engine: Engine) -> Vec<Relation> {
    match engine {
        Engine::Mariadb => builtin::relations_of(MARIADB_TEXT),
        Engine::Mysql => builtin::relations_of(MYSQL_TEXT),
        Engine::Postgres => Vec::new(),
    }
}

/// Columns that show texts of statements as they ran, so also the salts of masks in them.
///
/// The digests beside them have no literals. Errors can repeat a part of a text.
const TEXTS: &[(&str, &str, &[&str])] = &[
    ("information_schema", "innodb_trx", &["trx_query"]),
    ("information_schema", "optimizer_trace", &["QUERY", "TRACE"]),
    ("information_schema", "processlist", &["INFO", "INFO_BINARY"]),
    ("mysql", "general_log", &["argument"]),
    ("mysql", "slow_log", &["sql_text"]),
    ("performance_schema", "error_log", &["DATA"]),
    ("performance_schema", "events_statements_current", &["SQL_TEXT", "MESSAGE_TEXT"]),
    ("performance_schema", "events_statements_history", &["SQL_TEXT", "MESSAGE_TEXT"]),
    ("performance_schema", "events_statements_history_long", &["SQL_TEXT", "MESSAGE_TEXT"]),
    ("performance_schema", "events_statements_summary_by_digest", &["QUERY_SAMPLE_TEXT"]),
    ("performance_schema", "prepared_statements_instances", &["SQL_TEXT"]),
    ("performance_schema", "processlist", &["INFO"]),
    ("performance_schema", "threads", &["PROCESSLIST_INFO"]),
    ("sys", "innodb_lock_waits", &["waiting_query", "blocking_query"]),
    ("sys", "processlist", &["current_statement", "last_statement"]),
    ("sys", "schema_table_lock_waits", &["waiting_query", "sql_kill_blocking_query"]),
    ("sys", "session", &["current_statement", "last_statement"]),
    ("sys", "x$innodb_lock_waits", &["waiting_query", "blocking_query"]),
    ("sys", "x$processlist", &["current_statement", "last_statement"]),
    ("sys", "x$schema_table_lock_waits", &["waiting_query"]),
    ("sys", "x$session", &["current_statement", "last_statement"]),
];

/// The columns of a relation that show texts of statements; nothing where it has none.
pub(crate) fn statement_texts(schema: &str, name: &str) -> &'static [&'static str] {
    let found = TEXTS.iter().find(|(of, known, _)| (*of, *known) == (schema, name));
    found.map_or(&[], |(_, _, columns)| columns)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jurat_types::{Engine, RelationKind};

    use super::{MARIADB_TEXT, MYSQL_TEXT, TEXTS, is_system, relations, statement_texts};
    use crate::builtin::lines;

    #[test]
    fn every_line_reads_once() {
        for (engine, text) in [(Engine::Mariadb, MARIADB_TEXT), (Engine::Mysql, MYSQL_TEXT)] {
            let read = relations(engine);
            assert_eq!(read.len(), lines(text).count());
            let mut names = BTreeSet::new();
            for relation in read {
                assert!(is_system(&relation.name.schema), "{}", relation.name);
                assert!(!relation.columns.is_empty(), "{}", relation.name);
                assert!(names.insert(relation.name.clone()), "{} is listed twice", relation.name);
            }
        }
        assert!(relations(Engine::Postgres).is_empty());
    }

    #[test]
    fn relations_look_as_on_a_server() {
        for (engine, name, kind, column, data_type) in [
            (
                Engine::Mariadb,
                "information_schema.processlist",
                RelationKind::View,
                "INFO",
                "longtext",
            ),
            (
                Engine::Mysql,
                "information_schema.processlist",
                RelationKind::View,
                "INFO",
                "varchar",
            ),
            (Engine::Mariadb, "mysql.column_stats", RelationKind::Table, "min_value", "varbinary"),
            (Engine::Mysql, "mysql.user", RelationKind::Table, "authentication_string", "text"),
        ] {
            let relations = relations(engine);
            let found = relations.iter().find(|relation| relation.name.to_string() == name);
            let found = found.unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(found.kind, kind, "{name}");
            let column = found.columns.iter().find(|known| known.name == column).unwrap();
            assert_eq!(column.data_type, data_type, "{name}.{}", column.name);
        }
    }

    #[test]
    fn every_column_with_texts_is_one_of_a_server() {
        for (schema, name, columns) in TEXTS {
            for column in *columns {
                let known = [Engine::Mariadb, Engine::Mysql].into_iter().any(|engine| {
                    relations(engine).iter().any(|relation| {
                        (&*relation.name.schema, &*relation.name.name) == (*schema, *name)
                            && relation.columns.iter().any(|known| known.name == *column)
                    })
                });
                assert!(known, "{schema}.{name}.{column}");
            }
        }
        assert_eq!(statement_texts("mysql", "slow_log"), ["sql_text"]);
        assert!(statement_texts("shop", "slow_log").is_empty());
    }
}

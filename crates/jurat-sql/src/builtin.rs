//! What is known of PostgreSQL's own functions and relations without asking a server: the files in
//! `data/`, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use jurat_types::{Column, FunctionClass, Relation, RelationKind, RelationName};

const FUNCTIONS_TEXT: &str = include_str!("../data/functions.txt");
const SYSTEM_RELATIONS_TEXT: &str = include_str!("../data/system_relations.txt");

static FUNCTIONS: LazyLock<HashMap<&'static str, FunctionClass>> = LazyLock::new(|| {
    let mut classes = HashMap::new();
    for (name, class) in lines(FUNCTIONS_TEXT).filter_map(function_line).flatten() {
        classes.insert(name, class);
    }
    classes
});

/// The class of a built-in function.
///
/// `name` is the folded name alone for a function in `pg_catalog`, and `schema.name` for one
/// elsewhere. `None` means that the name is not on the allow-list, which is
/// [`FunctionClass::Unknown`]. PostgreSQL picks an overload over all schemas of the search path, so
/// the answer holds only where no other schema in the path has a function of that name.
pub(crate) fn function_class(name: &str) -> Option<FunctionClass> {
    FUNCTIONS.get(name).copied()
}

/// Every name on the allow-list, in no particular order; see [`function_class`] for their form.
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied()
}

/// The relations of `pg_catalog` and `information_schema`, for a catalog without them.
///
/// The columns are a union over PostgreSQL 15 to 18. The objects have no id, and the views no
/// sources, because nothing in them belongs to a user.
pub(crate) fn system_relations() -> Vec<Relation> {
    relations_of(SYSTEM_RELATIONS_TEXT)
}

/// The relations of a file of `data/`.
pub(crate) fn relations_of(text: &'static str) -> Vec<Relation> {
    lines(text).filter_map(relation_line).collect()
}

/// The lines that hold data.
pub(crate) fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Reads `class name name …`. A line that does not read is left out, so its names are unknown; a
/// test sees to it that there is none.
fn function_line(
    line: &'static str,
) -> Option<impl Iterator<Item = (&'static str, FunctionClass)>> {
    let (class, names) = line.split_once(' ')?;
    let class = class_named(class)?;
    Some(names.split(' ').map(move |name| (name, class)))
}

/// The class that a file of `data/` calls so.
pub(crate) fn class_named(name: &str) -> Option<FunctionClass> {
    Some(match name {
        "admin" => FunctionClass::Admin,
        "catalog" => FunctionClass::Catalog,
        "dynamic_sql" => FunctionClass::DynamicSql,
        "file" => FunctionClass::File,
        "network" => FunctionClass::Network,
        "pure" => FunctionClass::Pure,
        "settings" => FunctionClass::Settings,
        "volatile" => FunctionClass::Volatile,
        _ => return None,
    })
}

/// Reads `schema.name kind column:type …`, where `~` stands for a space in a type.
fn relation_line(line: &'static str) -> Option<Relation> {
    let mut words = line.split(' ');
    let (schema, name) = words.next()?.split_once('.')?;
    let kind = match words.next()? {
        "table" => RelationKind::Table,
        "view" => RelationKind::View,
        _ => return None,
    };
    let columns = words.map(column_word).collect::<Option<Vec<_>>>()?;
    Some(Relation {
        name: RelationName::new(schema, name),
        kind,
        columns,
        oid: 0,
        reads: Vec::new(),
        definition: None,
        parents: Vec::new(),
    })
}

/// Reads `column:type`.
fn column_word(word: &'static str) -> Option<Column> {
    let (name, data_type) = word.split_once(':')?;
    Some(Column {
        name: name.to_owned(),
        data_type: data_type.replace('~', " "),
        attnum: 0,
        generated: false,
        key: false,
        base_type: None,
    })
}

/// Extensions whose functions compute, and neither read tables, run SQL, nor reach files, the network or settings that
/// matter. They are what applications have: their functions stand behind defaults, indexes and conditions.
const COMPUTING_EXTENSIONS: [&str; 16] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "seg",
    "unaccent",
    "uuid-ossp",
    "vector",
];

/// Whether every function of an extension computes and does nothing else.
pub(crate) fn is_computing_extension(name: &str) -> bool {
    COMPUTING_EXTENSIONS.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jurat_types::{FunctionClass, RelationKind};

    use super::{
        FUNCTIONS_TEXT, SYSTEM_RELATIONS_TEXT, function_class, function_line, function_names,
        lines, relation_line, system_relations,
    };

    #[test]
    fn every_function_line_reads() {
        for line in lines(FUNCTIONS_TEXT) {
            let names = function_line(line).unwrap_or_else(|| panic!("no class: {line}"));
            for (name, _) in names {
                let plain = name.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte)
                });
                assert!(plain && !name.is_empty(), "{name:?} in: {line}");
            }
        }
    }

    #[test]
    fn no_function_is_listed_twice() {
        let mut seen = BTreeMap::new();
        for (name, class) in lines(FUNCTIONS_TEXT).filter_map(function_line).flatten() {
            if let Some(earlier) = seen.insert(name, class) {
                panic!("{name} is listed as {earlier:?} and as {class:?}");
            }
        }
        assert_eq!(seen.len(), function_names().count());
    }

    #[test]
    fn functions_have_the_class_of_the_worst_they_can_do() {
        use FunctionClass::{Admin, Catalog, DynamicSql, File, Network, Pure, Settings, Volatile};
        for (name, class) in [
            ("lower", Some(Pure)),
            ("count", Some(Pure)),
            ("array_agg", Some(Pure)),
            ("row_number", Some(Pure)),
            ("jsonb_path_query", Some(Pure)),
            ("int4", Some(Pure)),
            ("pg_size_pretty", Some(Pure)),
            ("information_schema._pg_expandarray", Some(Pure)),
            ("_pg_expandarray", None),
            ("now", Some(Volatile)),
            ("random", Some(Volatile)),
            ("nextval", Some(Volatile)),
            ("uuidv7", Some(Volatile)),
            ("pg_advisory_lock", Some(Volatile)),
            ("pg_get_viewdef", Some(Catalog)),
            ("pg_table_is_visible", Some(Catalog)),
            ("version", Some(Catalog)),
            ("pg_stat_get_live_tuples", Some(Catalog)),
            ("current_setting", Some(Settings)),
            ("set_config", Some(Settings)),
            ("pg_read_file", Some(File)),
            ("lo_import", Some(File)),
            ("pg_hba_file_rules", Some(File)),
            ("dblink", Some(Network)),
            ("query_to_xml", Some(DynamicSql)),
            ("ts_rewrite", Some(DynamicSql)),
            ("ts_stat", Some(DynamicSql)),
            ("pg_stat_get_activity", Some(Admin)),
            ("pg_stat_get_backend_activity", Some(Admin)),
            ("pg_mcv_list_items", Some(Admin)),
            ("pg_terminate_backend", Some(Admin)),
            ("pg_logical_slot_get_changes", Some(Admin)),
            ("pg_sleep", Some(Admin)),
            ("setval", Some(Admin)),
            // What no client calls, and what is no function at all.
            ("textin", None),
            ("record_send", None),
            ("plpgsql_call_handler", None),
            ("Lower", None),
            ("", None),
        ] {
            assert_eq!(function_class(name), class, "{name}");
        }
    }

    #[test]
    fn every_relation_line_reads() {
        for line in lines(SYSTEM_RELATIONS_TEXT) {
            assert!(relation_line(line).is_some(), "{line}");
        }
    }

    #[test]
    fn system_relations_have_columns_with_types_and_are_listed_once() {
        let mut names = BTreeSet::new();
        for relation in system_relations() {
            assert!(!relation.columns.is_empty(), "{}", relation.name);
            let columns: BTreeSet<_> = relation.columns.iter().map(|column| &column.name).collect();
            assert_eq!(columns.len(), relation.columns.len(), "{}", relation.name);
            for column in &relation.columns {
                assert!(!column.name.is_empty(), "{}", relation.name);
                assert!(!column.data_type.contains('~'), "{}.{}", relation.name, column.name);
            }
            assert!(names.insert(relation.name.clone()), "{} is listed twice", relation.name);
        }
    }

    #[test]
    fn system_relations_look_as_on_a_server() {
        let relations = system_relations();
        let find = |schema: &str, name: &str| {
            let mut found = relations
                .iter()
                .filter(|relation| relation.name.schema == schema && relation.name.name == name);
            found.next().unwrap_or_else(|| panic!("{schema}.{name} is missing"))
        };
        let activity = find("pg_catalog", "pg_stat_activity");
        assert_eq!(activity.kind, RelationKind::View);
        let started = activity.columns.iter().find(|column| column.name == "query_start").unwrap();
        assert_eq!(started.data_type, "timestamp with time zone");

        assert_eq!(find("pg_catalog", "pg_class").kind, RelationKind::Table);
        assert_eq!(find("information_schema", "columns").kind, RelationKind::View);
    }
}

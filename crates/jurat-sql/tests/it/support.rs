//! What the tests share: the fixture catalog, and statements in a few readable lines.

use std::fmt::Write as _;

use jurat_sql::{
    CatalogIndex, ColumnMask, NameContext, RowFilter, SearchPath, SessionEffect, Statement,
};
use jurat_types::{ColumnId, RelationName, Via};
use serde_json::Value;

/// The fixture: a shop. `jurat explain` uses the same file in its examples.
pub(crate) fn catalog() -> CatalogIndex {
    let text = include_str!("../../testdata/catalog.json");
    CatalogIndex::new(serde_json::from_str(text).unwrap())
}

/// The search path of an ordinary session.
pub(crate) fn names() -> NameContext {
    NameContext {
        search_path: SearchPath::Known(vec!["pg_catalog".to_owned(), "public".to_owned()]),
    }
}

/// The same shop on MariaDB.
pub(crate) fn mysql_catalog() -> CatalogIndex {
    let text = include_str!("../../testdata/mysql/catalog.json");
    CatalogIndex::new(serde_json::from_str(text).unwrap())
}

/// The selected database of an ordinary session.
pub(crate) fn mysql_names() -> NameContext {
    NameContext { search_path: SearchPath::Known(vec!["shop".to_owned()]) }
}

/// Masks, one a line: `schema.relation.column method {params}`. `predicates` among the parameters says what
/// may be asked.
pub(crate) fn masks(text: &str) -> Vec<ColumnMask> {
    text.lines()
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let column: Vec<&str> = words.next().unwrap().split('.').collect();
            let method = Value::String(words.next().unwrap().to_owned());
            let mut params: std::collections::BTreeMap<String, Value> =
                serde_json::from_str(words.next().unwrap_or("{}")).unwrap();
            let predicates = params.remove("predicates");
            ColumnMask {
                predicates: predicates
                    .map(|mode| serde_json::from_value(mode).unwrap())
                    .unwrap_or_default(),
                column: ColumnId::new(RelationName::new(column[0], column[1]), column[2]),
                method: serde_json::from_value(method).unwrap(),
                params,
                ids: vec![],
            }
        })
        .collect()
}

/// Row filters, one a line: `schema.relation {params} predicate`.
pub(crate) fn filters(text: &str) -> Vec<RowFilter> {
    text.lines()
        .map(|line| {
            let (relation, rest) = line.split_once(' ').unwrap();
            let mut values = serde_json::Deserializer::from_str(rest).into_iter();
            let params = values.next().unwrap().unwrap();
            RowFilter {
                id: "f".to_owned(),
                relation: relation.to_owned(),
                predicate: rest.split_at(values.byte_offset()).1.trim().to_owned(),
                params,
            }
        })
        .collect()
}

/// A statement's facts without what is empty.
pub(crate) fn describe(statement: &Statement) -> String {
    let facts = statement.facts();
    let mut out = String::new();
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let json = |value: &dyn erased::Serialize| word(value.json());
    if let Statement::Opaque(opaque) = statement {
        writeln!(out, "opaque: {}", opaque.reason()).unwrap();
        if !facts.unresolved.is_empty() {
            writeln!(out, "  unresolved: {}", facts.unresolved.join(", ")).unwrap();
        }
        return out;
    }
    writeln!(out, "{} ({})", facts.kind, json(&facts.class)).unwrap();
    writeln!(out, "  text: {}", facts.text.replace('\n', "\n    ")).unwrap();
    let mut list = |name: &str, items: Vec<String>| {
        if !items.is_empty() {
            writeln!(out, "  {name}: {}", items.join(", ")).unwrap();
        }
    };
    list(
        "relations",
        facts
            .relations
            .iter()
            .map(|r| format!("{} {} {} {}", r.id, r.kind, json(&r.access), json(&r.via)))
            .collect(),
    );
    list(
        "columns",
        facts
            .columns
            .iter()
            .map(|c| {
                let via = if c.via == Via::View { " via view" } else { "" };
                format!("{} {} {}{via}", c.id, json(&c.role), json(&c.mode))
            })
            .collect(),
    );
    list(
        "functions",
        facts.functions.iter().map(|f| format!("{} {}", f.id, json(&f.class))).collect(),
    );
    list("settings", facts.settings.clone());
    let mut flags = Vec::new();
    for (name, set) in [
        ("has_where", facts.has_where),
        ("where_always_true", facts.where_always_true),
        ("returning", facts.returning),
        ("not_executed", !facts.executes),
        ("data_modifying_cte", facts.data_modifying_cte),
        ("dynamic_sql", facts.dynamic_sql),
    ] {
        if set {
            flags.push(name.to_owned());
        }
    }
    flags.extend(facts.limit.map(|limit| format!("limit {limit}")));
    if facts.parameters.count > 0 {
        flags.push(format!("parameters {}", facts.parameters.count));
    }
    list("flags", flags);
    let effect = match statement.effect() {
        SessionEffect::None => String::new(),
        SessionEffect::Prepare { name, statement } => {
            format!("prepare {name}: {}", statement.facts().text)
        }
        SessionEffect::DeclareCursor { name, statement } => {
            format!("declare {name}: {}", statement.facts().text)
        }
        other @ (SessionEffect::SearchPathChanged
        | SessionEffect::CatalogChanged
        | SessionEffect::Execute { .. }
        | SessionEffect::Deallocate { .. }
        | SessionEffect::Fetch { .. }
        | SessionEffect::CloseCursor { .. }
        | SessionEffect::DiscardAll
        | SessionEffect::Transaction
        | SessionEffect::ClientFile { .. }
        | SessionEffect::CopyIn
        | SessionEffect::CopyOut) => format!("{other:?}"),
    };
    if !effect.is_empty() {
        writeln!(out, "  effect: {effect}").unwrap();
    }
    out
}

/// The result columns, one a line.
pub(crate) fn outputs(statement: &Statement) -> String {
    let mut out = String::new();
    for column in statement.facts().outputs.iter() {
        let mode = serde_json::to_value(column.mode).unwrap();
        let made_of = column.columns.join(", ");
        let line = format!("{}: {} {made_of}", column.name, mode.as_str().unwrap());
        writeln!(out, "{}", line.trim_end()).unwrap();
    }
    out
}

mod erased {
    //! Any contract type as a JSON value.

    pub(crate) trait Serialize {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Serialize for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

/// The texts of all goldens.
pub(crate) fn statements() -> Vec<String> {
    statements_in("testdata/postgres")
}

/// The texts of the goldens in a directory.
pub(crate) fn statements_in(dir: &str) -> Vec<String> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for block in text.split("```sql\n").skip(1) {
            all.push(block.split("\n```").next().unwrap().to_owned());
        }
    }
    all.sort();
    all
}

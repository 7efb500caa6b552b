//! Jurat's questions for its catalog.
//!
//! They are long queries over `pg_catalog` that no SQLite can run. Each says in a comment which one it is
//! (`-- jurat: catalog 2, relations`), and the playground answers with rows in the same columns, made from
//! SQLite's schema. Nothing else is recognized by a comment.

use rusqlite::types::Value;

use crate::{catalog::system_relations, engine::Schema, kind, tokens::Dialect};

/// What the comment begins with.
const MARK: &str = "-- jurat: catalog ";

/// How many columns each answer has.
const WIDTHS: [usize; 13] = [1, 1, 4, 8, 3, 4, 5, 6, 5, 2, 1, 2, 4];

/// Which question a text is.
pub(super) fn number(text: &str) -> Option<usize> {
    let comments = text.lines().take_while(|line| line.is_empty() || line.starts_with("--"));
    let mut marks = comments.filter_map(|line| line.strip_prefix(MARK));
    let digits = marks.next()?.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|number| *number < WIDTHS.len())
}

/// How many columns the answer has.
pub(super) fn width(question: usize) -> usize {
    WIDTHS.get(question).copied().unwrap_or(0)
}

/// The answer.
pub(super) fn answer(question: usize, schema: &Schema) -> Vec<Vec<Value>> {
    match question {
        0 => vec![vec![text(crate::SERVER_VERSION_POSTGRES)]],
        1 => ["information_schema", "pg_catalog", "public"].map(|name| vec![text(name)]).to_vec(),
        2 => relations(schema),
        3 => columns(schema),
        5 => view_sources(schema),
        7 => foreign_keys(schema),
        8 => triggers(schema),
        9 => schema.relations.iter().map(|r| vec![text("public"), text(&r.name)]).collect(),
        10 => vec![vec![text("[\"pg_catalog\",\"public\"]")]],
        11 => definitions(schema),
        // No table inherits, no function was made, no column has a domain.
        _ => Vec::new(),
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn truth(value: bool) -> Value {
    text(if value { "t" } else { "f" })
}

fn relations(schema: &Schema) -> Vec<Vec<Value>> {
    let system = system_relations(Dialect::Postgres).enumerate().map(|(at, (schema, name, _))| {
        vec![system_number(at), text(schema), text(name), text("r")]
    });
    let row = |relation: &crate::engine::Relation| {
        let kind = text(if relation.is_view() { "v" } else { "r" });
        vec![text(relation.number.to_string()), text("public"), text(&relation.name), kind]
    };
    system.chain(schema.relations.iter().map(row)).collect()
}

/// The number of a relation of the catalog: below those that somebody has made, as in PostgreSQL.
fn system_number(at: usize) -> Value {
    text(at.saturating_add(1000).to_string())
}

/// A column of the third answer. No type is outside of pg_catalog, and no column is computed.
fn column(relation: Value, at: usize, name: &str, declared: &str, key: bool) -> Vec<Value> {
    vec![
        relation,
        text(at.saturating_add(1).to_string()),
        text(name),
        text(kind::postgres_name(declared)),
        text("pg_catalog"),
        truth(false),
        truth(false),
        truth(key),
    ]
}

fn columns(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for (number, (_, _, columns)) in system_relations(Dialect::Postgres).enumerate() {
        for (at, (name, declared)) in columns.into_iter().enumerate() {
            rows.push(column(system_number(number), at, name, declared, false));
        }
    }
    for relation in &schema.relations {
        for (at, found) in relation.columns.iter().enumerate() {
            let number = text(relation.number.to_string());
            rows.push(column(number, at, &found.name, &found.declared, found.key.is_some()));
        }
    }
    rows
}

fn view_sources(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for view in &schema.relations {
        for (table, column) in &view.reads {
            let column = if column.is_empty() { Value::Null } else { text(column) };
            rows.push(vec![text(view.number.to_string()), text("public"), text(table), column]);
        }
    }
    rows
}

fn foreign_keys(schema: &Schema) -> Vec<Vec<Value>> {
    let writes = |rule: &str| ["CASCADE", "SET NULL", "SET DEFAULT"].contains(&rule);
    let mut rows = Vec::new();
    for relation in &schema.relations {
        for key in &relation.foreign_keys {
            let (on_delete, on_update) = (writes(&key.on_delete), writes(&key.on_update));
            if on_delete || on_update {
                rows.push(vec![
                    text("public"),
                    text(&relation.name),
                    text("public"),
                    text(&key.table),
                    truth(on_delete),
                    truth(on_update),
                ]);
            }
        }
    }
    rows
}

/// Triggers are code without a function; as for a rule, a name that does not exist stands for it.
fn triggers(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |(table, name): &(String, String)| {
        vec![text("public"), text(table), text(name), text("pg_catalog"), text("rule")]
    };
    schema.triggers.iter().map(row).collect()
}

fn definitions(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |relation: &crate::engine::Relation| {
        Some(vec![text(relation.number.to_string()), text(relation.definition.as_ref()?)])
    };
    schema.relations.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_a_leading_comment_makes_a_question() {
        assert_eq!(number("\n-- jurat: catalog 12, domains\n-- more\nSELECT 1"), Some(12));
        assert_eq!(number("-- words\n\n-- jurat: catalog 0, version\nSELECT 1"), Some(0));
        assert_eq!(number("SELECT 1 -- jurat: catalog 1, schemas"), None);
        assert_eq!(number("-- jurat: catalog 13, nothing\nSELECT 1"), None);
    }
}

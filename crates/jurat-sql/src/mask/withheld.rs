//! Texts of statements that the server shows, to everybody who has the same role: all sessions behind Jurat
//! have. A text with the salt of a mask is withheld there, because the salt is what makes a hash or token
//! more than a guess.

use jurat_types::{Engine, RelationName, StatementFacts, Via};

use crate::catalog_index::SYSTEM_SCHEMA;
use crate::mysql;

/// What every salt begins with, so that it is found in a text.
pub const SALT_PREFIX: &str = "jurat-salt-";

/// Relations that show texts of statements, and the column that does.
const SHOWN: &[(&str, &str)] = &[
    ("pg_cursors", "statement"),
    ("pg_prepared_statements", "statement"),
    ("pg_stat_activity", "query"),
];

/// What stands in the place of such a text.
const WITHHELD: &str = "(withheld by jurat: it holds the salt of a mask)";

/// The view of an extension, in whichever schema that is.
const COUNTED: (&str, &str) = ("pg_stat_statements", "query");

/// Whether a statement reads such a relation.
pub(crate) fn shows_statements(facts: &StatementFacts) -> bool {
    facts.relations.iter().any(|relation| is_shown(&relation.schema, &relation.name))
}

/// Whether a statement reads such a relation through a view, where nothing can be withheld.
pub(super) fn shows_through_view(facts: &StatementFacts) -> bool {
    facts
        .relations
        .iter()
        .any(|relation| relation.via == Via::View && is_shown(&relation.schema, &relation.name))
}

/// Whether a relation shows texts of statements.
pub(crate) fn shows(name: &RelationName) -> bool {
    is_shown(&name.schema, &name.name)
}

fn is_shown(schema: &str, name: &str) -> bool {
    name == COUNTED.0
        || !mysql::statement_texts(schema, name).is_empty()
        || (schema == SYSTEM_SCHEMA && SHOWN.iter().any(|(known, _)| *known == name))
}

/// What stands for the column of such a relation that holds the texts. The prefix is taken apart, so that
/// the text of this very query does not hold it.
///
/// `column` is its name, `label` how that is written.
pub(super) fn expression(
    name: &RelationName,
    column: &str,
    label: &str,
    engine: Engine,
) -> Option<String> {
    let (one, two) = SALT_PREFIX.split_at(SALT_PREFIX.len() / 2);
    match engine {
        Engine::Postgres => {
            let pair = (&*name.name, column);
            if !shows(name) || (pair != COUNTED && !SHOWN.contains(&pair)) {
                return None;
            }
            let prefix = format!("(CAST('{one}' AS text) OPERATOR(pg_catalog.||) '{two}')");
            Some(format!(
                "CASE WHEN pg_catalog.strpos({label}, {prefix}) OPERATOR(pg_catalog.>) 0 \
                 THEN CAST('{WITHHELD}' AS text) ELSE {label} END"
            ))
        }
        Engine::Mariadb | Engine::Mysql => {
            let columns = mysql::statement_texts(&name.schema, &name.name);
            columns.iter().find(|known| known.eq_ignore_ascii_case(column))?;
            Some(format!(
                "CASE WHEN LOCATE(CONCAT('{one}', '{two}'), {label}) > 0 \
                 THEN '{WITHHELD}' ELSE {label} END"
            ))
        }
    }
}

//! MySQL and MariaDB: their lexical rules, their words, and what the parser has to be shown of them.
//!
//! The two servers share one grammar with differences at the edges; the catalog says which of them a text is
//! for. Queries and writes go through the parser and the shared walker (`walk.rs`), everything else is read
//! by its words (`by_words.rs`).

mod by_words;
mod desugar;
mod dialect;
mod scan;
mod settings;
mod statements;
mod tokens;
mod words;

use jurat_types::{Engine, FunctionClass, Relation};

use crate::gate::Source;

pub(crate) use desugar::{is_modifier, restore};
pub(crate) use dialect::Mysql;
pub(crate) use scan::scan;
pub(crate) use statements::statements;
pub(crate) use tokens::tokens;
pub(crate) use words::{VALUE_WORDS, is_contextual};

pub(crate) use by_words::read as read_by_words;

/// What a built-in function can do; nothing where the name is none's.
pub(crate) fn function_class(name: &str, _engine: Engine) -> Option<FunctionClass> {
    const PURE: [&str; 40] = [
        "abs",
        "avg",
        "cast",
        "ceil",
        "char_length",
        "coalesce",
        "concat",
        "concat_ws",
        "count",
        "date",
        "date_add",
        "date_format",
        "date_sub",
        "datediff",
        "extract",
        "floor",
        "greatest",
        "group_concat",
        "if",
        "ifnull",
        "json_extract",
        "json_object",
        "least",
        "left",
        "length",
        "lower",
        "max",
        "min",
        "mod",
        "nullif",
        "position",
        "replace",
        "round",
        "substring",
        "sum",
        "trim",
        "upper",
        "values",
        "year",
        "timestampdiff",
    ];
    const VOLATILE: [&str; 4] = ["last_insert_id", "now", "rand", "uuid"];
    if PURE.contains(&name) {
        Some(FunctionClass::Pure)
    } else if VOLATILE.contains(&name) {
        Some(FunctionClass::Volatile)
    } else if name == "load_file" {
        Some(FunctionClass::File)
    } else {
        None
    }
}

/// The servers' own relations.
pub(crate) fn system_relations(_engine: Engine) -> Vec<Relation> {
    Vec::new()
}

/// Whether a statement is a query or a write, which the parser reads.
pub(crate) fn is_for_parser(source: &Source<'_>) -> bool {
    const FIRST: [&str; 8] =
        ["delete", "insert", "replace", "select", "table", "update", "values", "with"];
    source.first().is_some_and(|(_, text)| {
        text == "(" || FIRST.iter().any(|word| text.eq_ignore_ascii_case(word))
    })
}

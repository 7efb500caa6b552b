//! MySQL and MariaDB: their lexical rules, their words, and what the parser has to be shown of them.
//!
//! The two servers share one grammar with differences at the edges; the catalog says which of them a text is
//! for. Queries and writes go through the parser and the shared walker (`walk.rs`), everything else is read
//! by its words (`by_words.rs`).

mod by_words;
mod code;
mod definitions;
mod desugar;
mod dialect;
mod executable;
mod form;
mod functions;
mod joins;
mod labels;
mod load;
mod opening;
mod raw_bytes;
mod scan;
mod server;
mod settings;
mod show;
mod statements;
mod system;
mod tokens;
mod words;

use crate::gate::Source;

pub(crate) use desugar::{is_modifier, is_sorted, restore};
pub(crate) use dialect::Mysql;
pub(crate) use executable::written_out;
pub(crate) use functions::class as function_class;
pub(crate) use opening::{Opening, literal, opening, quoted};
pub(crate) use raw_bytes::in_digits;
pub(crate) use scan::scan_into;
pub use settings::TRACKED as MYSQL_TRACKED;
pub(crate) use statements::statements;
pub(crate) use system::{is_system, relations as system_relations, statement_texts};
pub(crate) use tokens::tokens;
pub(crate) use words::{VALUE_WORDS, is_contextual, is_introducer, is_reserved};

pub(crate) use by_words::read as read_by_words;

/// Whether a statement is a query or a write, which the parser reads.
pub(crate) fn is_for_parser(source: &Source<'_>) -> bool {
    source.first().is_some_and(|(_, text)| opening::opens_query(text))
        && opening::into_file(source).is_none()
}

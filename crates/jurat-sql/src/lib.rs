//! SQL text in, statements with their intent and their canonical text out.
//!
//! The way of a text: its bytes and tokens are checked and cut by PostgreSQL's own lexical rules
//! ([`scan`], [`gate`]), each statement is parsed ([`tree`]), walked and resolved against a catalog
//! snapshot ([`walk`]), and printed again with every name qualified ([`read()`]). What does not come
//! through all of that is [`Statement::Opaque`], with a reason. Masks are spliced in on request
//! ([`Parsed::rewrite`]). No type of the parser leaves this crate.

mod builtin;
mod catalog_index;
mod constant;
mod copy;
mod facts;
mod function_call;
mod gate;
mod gathering;
mod keywords;
mod limits;
mod mask;
mod mold;
mod mysql;
mod names;
mod position;
mod pre;
mod question;
mod raw;
mod read;
mod redact;
mod scan;
mod scope;
mod stack;
mod statement;
mod temporary;
mod tree;
mod view;
mod walk;

pub use catalog_index::CatalogIndex;
pub use function_call::function_call;
pub use jurat_types::{ColumnMask, RowFilter};
pub use limits::ReadLimits;
pub use mask::{Detected, Origins, Protection, RewriteError, Rewritten, SALT_PREFIX};
pub use mold::{Mold, Skeleton};
pub use mysql::MYSQL_TRACKED;
pub use position::client_position;
pub use question::{BoundValues, Question, Sampled};
pub use read::read;
pub use statement::{NameContext, Opaque, Parsed, Reading, SearchPath, SessionEffect, Statement};
pub use temporary::TemporaryTables;

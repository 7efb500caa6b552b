//! MySQL and MariaDB: what is particular to them.

mod functions;
mod system;

pub(crate) use functions::{class as function_class, names as function_names};
pub(crate) use system::{relations as system_relations, statement_texts};

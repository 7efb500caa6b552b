//! Rego policies in, decisions out. The only importer of regorus.
//!
//! [`PolicySet::load`] reads a directory, checks it, compiles it and compares the register machine
//! with the interpreter; [`PolicySet::judge`] evaluates every decision rule over an intent and
//! combines what they say. [`PolicyHandle`] keeps the revision in force.

mod builtins;
mod combine;
mod corpus;
mod data;
mod duration;
mod element;
mod engine;
mod error;
mod files;
mod glob;
mod graph;
mod guard;
mod handle;
pub mod harness;
mod input_paths;
mod labels;
pub mod lint;
mod mask;
mod metadata;
mod options;
mod repeats;
mod rule_index;
mod set;
mod syntax;
mod syntax_reader;
mod syntax_shape;
#[cfg(test)]
mod testing;
mod value;

pub use duration::seconds;
pub use error::{Diagnostic, LoadError, Location};
pub use glob::matches as glob_matches;
pub use handle::{PolicyHandle, PolicyState, Reload};
pub use labels::Labels;
pub use options::{PackageMode, PolicyOptions};
pub use rule_index::RuleEntry;
pub use set::{PolicySet, Surface, SurfaceColumn};

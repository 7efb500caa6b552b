//! The built binary, as people and scripts use it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod catalog;
mod command;
mod commands;
mod demo;
mod examples;

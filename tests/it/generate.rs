//! Statements made by a grammar over the fixture's schema: forms that put a protected column into each other.

pub(crate) mod choices;
mod expression;
mod query;
mod scope;

pub(crate) use query::statement;

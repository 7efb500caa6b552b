//! The PostgreSQL protocol, version 3 (PostgreSQL documentation, chapter "Frontend/Backend
//! Protocol", sections "Message Formats" and "Error and Notice Message Fields").
//!
//! `frame` finds the messages in a stream of bytes; `startup` reads what a client sends before
//! messages have tags; `frontend` and `backend` read the bodies of tagged messages; `encode` writes
//! messages. Parsed messages borrow from the buffer, so the bytes that are forwarded are the very
//! bytes that were read.

pub mod backend;
mod cursor;
pub mod encode;
pub mod error;
pub mod frame;
pub mod frontend;
pub mod startup;
pub mod value;

#[cfg(test)]
mod tests;

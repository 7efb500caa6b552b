//! The MySQL protocol as MySQL and MariaDB speak it (MySQL internals documentation, "Client/Server
//! Protocol"; MariaDB knowledge base, "Client/Server Protocol").
//!
//! `frame` finds the packets in a stream of bytes; `handshake` and `auth` read and write what is
//! said before a session exists; `command` reads what a client asks; `response` reads single packets
//! of a server, `result` says which packet may come next in the reply to a command, and `row` reads
//! rows; `encode` writes packets. What is parsed borrows from the buffer, so the bytes that are
//! forwarded are the very bytes that were read.

pub mod auth;
pub mod capability;
pub mod column_type;
pub mod command;
mod cursor;
pub mod encode;
pub mod error;
pub mod frame;
pub mod handshake;
pub mod response;
pub mod result;
pub mod row;
pub mod value;

#[cfg(test)]
mod tests;

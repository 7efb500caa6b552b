//! What a test stands on.
//!
//! - [`cluster`] is one throw-away PostgreSQL for the whole run; its log is the independent witness.
//! - [`jurat`] starts the binary in front of it, with configuration, users, policies, and a record.
//! - [`shop`] puts both together: a database of its own for each test, and the ways to connect.
//! - [`mariadb`] starts MariaDB servers, and [`mysql`] is the shop in front of one of them.
//! - [`both`] is a shop behind either protocol, for cases that are the same over both.
//! - [`client`] logs tokio-postgres in, with and without TLS.
//! - [`wire`] speaks the protocol by hand and keeps every byte that it receives; [`mysql_wire`] speaks MySQL's.
//! - [`http`] speaks HTTP by hand, and [`browser`] is a real one without a screen.
//! - [`tap`] is a relay that records both directions of a connection and can be cut.
//! - [`rogue`] is a server that breaks the protocol.
//! - [`canary`] searches for protected values in any spelling.
//! - [`record`] reads the record and compares it with what PostgreSQL ran.

pub(crate) mod both;
pub(crate) mod browser;
pub(crate) mod canary;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod http;
pub(crate) mod jurat;
pub(crate) mod mariadb;
pub(crate) mod mysql;
pub(crate) mod mysql_wire;
pub(crate) mod record;
pub(crate) mod rogue;
pub(crate) mod shop;
pub(crate) mod tap;
pub(crate) mod tiers;
pub(crate) mod wire;

pub(crate) use both::Protocol;
pub(crate) use client::{fields, sqlstate};
pub(crate) use jurat::Setup;
pub(crate) use mysql::MyShop;
pub(crate) use mysql_wire::{MyError, MyWire};
pub(crate) use shop::Shop;
pub(crate) use wire::Wire;

use std::time::{Duration, Instant};

/// How long anything may take before a test calls it hanging. Generous: machines are slow and busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until `look` finds something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The future's value, or a failed test when it takes too long.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("{what} hangs"),
    }
}

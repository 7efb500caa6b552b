//! The target of `checks/mysql_handshake.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/mysql_handshake.rs"]
mod check;

fuzz_target!(|data: &[u8]| check::check(data));

//! The target of `checks/sasl.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/sasl.rs"]
mod check;

// The files themselves: the crate around them takes many times as long to build.
#[path = "../../crates/jurat-postgres/src/login.rs"]
mod login;
#[path = "../../crates/jurat-postgres/src/scram.rs"]
mod scram;

fuzz_target!(|data: &[u8]| check::check(data));

//! The target of `checks/startup.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/startup.rs"]
mod check;

fuzz_target!(|data: &[u8]| check::check(data));

//! The target of `checks/backend.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/backend.rs"]
mod check;

fuzz_target!(|data: &[u8]| check::check(data));

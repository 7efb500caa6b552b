//! The target of `checks/frontend.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/frontend.rs"]
mod check;

fuzz_target!(|data: &[u8]| check::check(data));

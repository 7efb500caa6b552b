//! The target of `checks/mysql_result.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/mysql_result.rs"]
mod check;

fuzz_target!(|data: &[u8]| check::check(data));

//! Promise: every driver works through Jurat as if Jurat were not there. As for PostgreSQL (`suite/drivers.rs`), one
//! program for each driver runs twice: directly, and through Jurat with the policies that ship.

use std::process::Command;

use crate::{
    harness::{
        MyShop,
        cluster::{PASSWORD as UPSTREAM_PASSWORD, UPSTREAM},
        jurat::PASSWORD,
        tiers,
    },
    suite::drivers::{Cases, Told, USER, python},
};

const PYMYSQL: Cases = Cases {
    same: &[
        "types",
        "cursors",
        "transactions",
        "several_results",
        "the_connection",
        "errors_keep_their_class",
        "json_and_long_values",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

#[test]
fn pymysql_works() {
    let Some(command) = python("pymysql", "pymysql/matrix.py") else { return };
    matrix("pymysql", command, &PYMYSQL);
}

/// Runs a driver's program in both places and asks the oracles.
fn matrix(tier: &str, command: impl Fn() -> Command, cases: &Cases) {
    let Some(shop) = MyShop::usual() else { return };
    run(command(), (shop.twin().port, UPSTREAM, UPSTREAM_PASSWORD), None, cases);
    let certificate = shop.jurat.home.path("tls.crt");
    let certificate = certificate.to_str().unwrap();
    let told = run(command(), (shop.jurat.port, USER, PASSWORD), Some(certificate), cases);
    let records = shop.close();
    let denials = cases.guarded.iter().filter(|case| case.starts_with("denial")).count();
    assert!(records.denials().len() >= denials, "{} denials", records.denials().len());
    tiers::met(tier, &told.version);
}

fn run(
    mut command: Command,
    (port, user, password): (u16, &str, &str),
    certificate: Option<&str>,
    cases: &Cases,
) -> Told {
    let output = command
        .env("MATRIX_HOST", "127.0.0.1")
        .env("MATRIX_PORT", port.to_string())
        .env("MATRIX_USER", user)
        .env("MATRIX_PASSWORD", password)
        .env("MATRIX_DATABASE", "shop")
        .env("MATRIX_CA", certificate.unwrap_or_default())
        .env("MATRIX_FOREIGN_CA", "")
        .env("MATRIX_TLS", if certificate.is_some() { "verify" } else { "off" })
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let name = if certificate.is_some() { "through Jurat" } else { "directly" };
    assert!(output.status.success(), "{name}:\n{said}\n{errors}");
    let told = Told::read(&said);
    told.check(certificate.is_some(), cases);
    told
}

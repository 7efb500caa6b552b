//! Promise: every driver works through Jurat as if Jurat were not there. As for PostgreSQL (`suite/drivers.rs`), one
//! program for each driver runs twice: directly, and through Jurat with the policies that ship.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    harness::{
        MyShop, Setup,
        cluster::{PASSWORD as UPSTREAM_PASSWORD, UPSTREAM, self_signed},
        jurat::PASSWORD,
        tiers,
    },
    suite::drivers::{Cases, Told, USER, needed, node, program, python},
};

/// A running statement is ended while it sleeps. The shipped policies count sleeping as control over the server,
/// so here the function is labelled as reviewed.
const SLEEP_IS_REVIEWED: (&str, &str) =
    ("jurat/catalog/data.json", r#"{"sleep()": ["function.allowed"]}"#);

const PYMYSQL: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types",
        "cursors",
        "transactions",
        "several_results",
        "the_connection",
        "kill",
        "errors_keep_their_class",
        "json_and_long_values",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

const MYSQLCLIENT: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "cursors",
        "transactions",
        "several_statements",
        "the_connection",
        "change_user",
        "kill",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

const CONNECTOR: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "cursors",
        "transactions",
        "several_statements",
        "the_connection",
        "change_user",
        "pool",
        "kill",
        "errors_keep_their_class",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_of_a_prepared_statement",
        "masked_column",
    ],
};

const SQLALCHEMY: Cases = Cases {
    same: &["types", "reflection", "orm", "transactions", "streaming", "pool"],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

const DJANGO: Cases = Cases {
    same: &[
        "migrate",
        "schema_editor_and_types",
        "introspection",
        "queries",
        "writes",
        "transactions",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

const MYSQL2: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "transactions",
        "many_at_once",
        "several_statements",
        "streams",
        "kill",
        "change_user",
        "pool",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

const CONNECTOR_J: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "several_statements",
        "transactions",
        "batches",
        "fetch_size",
        "cancel",
        "metadata",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "denial_in_a_batch", "masked_column"],
};

const MYSQL_ASYNC: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_binary",
        "types_in_text",
        "prepared_statements",
        "several_statements",
        "transactions",
        "streams",
        "cancel",
        "change_user",
        "pool",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

const SQLX: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_binary",
        "types_in_text",
        "describe",
        "prepared_statements",
        "transactions",
        "streams",
        "cancel",
        "pool",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

#[test]
fn pymysql_works() {
    let Some(command) = python("pymysql", "pymysql/matrix.py") else { return };
    matrix("pymysql", Setup::mariadb(), command, &PYMYSQL);
}

/// It has no wheel for Linux, so it is not there where there is no libmariadb to build it with.
#[test]
fn mysqlclient_works() {
    let Some(command) = python("mysqlclient", "mysqlclient/matrix.py") else { return };
    let mut probe = Command::new(command().get_program());
    if !probe.args(["-c", "import MySQLdb"]).output().unwrap().status.success() {
        return tiers::missing("mysqlclient", "run scripts/ensure-python and see what it says");
    }
    matrix("mysqlclient", Setup::mariadb(), command, &MYSQLCLIENT);
}

#[test]
fn connector_python_works() {
    for (tier, pure) in [("connector-python", "1"), ("connector-python-c", "0")] {
        let Some(command) = python(tier, "mysql-connector/matrix.py") else { return };
        let command = || {
            let mut command = command();
            command.env("MATRIX_PURE", pure);
            command
        };
        matrix(tier, Setup::mariadb(), command, &CONNECTOR);
    }
}

#[test]
fn sqlalchemy_works() {
    let Some(command) = python("sqlalchemy-mysql", "sqlalchemy-mysql/matrix.py") else { return };
    matrix("sqlalchemy-mysql", Setup::mariadb(), command, &SQLALCHEMY);
}

/// Migrations change definitions, which the shipped policies allow outside production.
#[test]
fn django_works() {
    let Some(command) = python("django-mysql", "django-mysql/matrix.py") else { return };
    let setup = Setup { environment: "staging", ..Setup::mariadb() };
    matrix("django-mysql", setup, command, &DJANGO);
}

#[test]
fn mysql2_works() {
    let Some(command) = node("mysql2", "mysql2/matrix.js") else { return };
    matrix("mysql2", Setup::mariadb(), command, &MYSQL2);
}

#[test]
fn connector_j_works() {
    let Some(classes) = needed("connector-j", "JURAT_TEST_JDBC", "scripts/ensure-java") else {
        return;
    };
    let command = || {
        let mut command = Command::new("java");
        // It lives for seconds: what is faster to start is faster.
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        command.arg(&classes).arg(program("connector-j/Matrix.java"));
        command
    };
    matrix("connector-j", Setup::mariadb(), command, &CONNECTOR_J);
}

#[test]
fn mysql_async_works() {
    let Some(program) = built("mysql-async", "mysql-async-matrix") else { return };
    matrix("mysql-async", Setup::mariadb(), || Command::new(&program), &MYSQL_ASYNC);
}

#[test]
fn sqlx_works() {
    let Some(program) = built("sqlx-mysql", "sqlx-mysql-matrix") else { return };
    matrix("sqlx-mysql", Setup::mariadb(), || Command::new(&program), &SQLX);
}

/// A program in Rust, which is built beside that of sqlx for PostgreSQL.
fn built(tier: &str, name: &str) -> Option<PathBuf> {
    let sqlx = needed(tier, "JURAT_TEST_SQLX", "scripts/ensure-sqlx")?;
    Some(Path::new(&sqlx).with_file_name(name))
}

/// Where a program connects.
struct Place<'a> {
    port: u16,
    user: &'a str,
    password: &'a str,
    certificate: &'a Path,
    foreign_certificate: &'a Path,
    guarded: bool,
}

/// Runs a driver's program in both places and asks the oracles.
fn matrix(tier: &str, setup: Setup, command: impl Fn() -> Command, cases: &Cases) {
    let setup = setup.policy(SLEEP_IS_REVIEWED.0, SLEEP_IS_REVIEWED.1);
    let Some(shop) = MyShop::open(setup) else { return };
    let home = &shop.jurat.home;
    home.write("upstream.crt", shop.twin().certificate());
    home.write("foreign.crt", &self_signed().0);
    let (upstream, foreign) = (home.path("upstream.crt"), home.path("foreign.crt"));
    let directly = Place {
        port: shop.twin().port,
        user: UPSTREAM,
        password: UPSTREAM_PASSWORD,
        certificate: &upstream,
        foreign_certificate: &foreign,
        guarded: false,
    };
    let certificate = home.path("tls.crt");
    let through = Place {
        port: shop.jurat.port,
        user: USER,
        password: PASSWORD,
        certificate: &certificate,
        guarded: true,
        ..directly
    };
    let (first, second) = (command(), command());
    let told = std::thread::scope(|scope| {
        let beside = scope.spawn(|| run(first, &directly, cases));
        let told = run(second, &through, cases);
        beside.join().unwrap();
        told
    });
    let records = shop.close();
    let denials = cases.guarded.iter().filter(|case| case.starts_with("denial")).count();
    assert!(records.denials().len() >= denials, "{} denials", records.denials().len());
    tiers::met(tier, &told.version);
}

fn run(mut command: Command, place: &Place<'_>, cases: &Cases) -> Told {
    let output = command
        .env("MATRIX_HOST", "127.0.0.1")
        .env("MATRIX_PORT", place.port.to_string())
        .env("MATRIX_USER", place.user)
        .env("MATRIX_PASSWORD", place.password)
        .env("MATRIX_DATABASE", "shop")
        .env("MATRIX_CA", place.certificate)
        .env("MATRIX_FOREIGN_CA", place.foreign_certificate)
        .env("MATRIX_TLS", "verify")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let name = if place.guarded { "through Jurat" } else { "directly" };
    assert!(output.status.success(), "{name}:\n{said}\n{errors}");
    let told = Told::read(&said);
    told.check(place.guarded, cases);
    told
}

//! Promise: every driver works through Jurat as if Jurat were not there.
//!
//! One program for each driver, under `tests/drivers`, written as a user of the driver would write it. It is run
//! twice: directly against PostgreSQL, and through Jurat with the policies that ship. The contract: where to
//! connect is in the variables of [`Place::hand_to`]; the program prints `version …`, then a line for each case,
//! and ends with an error at the first surprise. `ok <case>` says that the case holds; `open <case>` says that
//! something which Jurat has to guard was open, which is right directly and wrong through Jurat.

mod java;
mod node;
mod psql;
mod psycopg;
mod python;
mod sqlx;
mod tokio_postgres;

pub(super) use node::node;

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{
    Setup, Shop, canary,
    cluster::{self, self_signed},
    jurat::PASSWORD,
    tap::Tap,
    tiers,
};

/// The user that the programs log in as through Jurat: a service, for which personal data is masked.
pub(super) const USER: &str = "shopd";

/// A running statement is canceled while it sleeps. The shipped policies count sleeping as control over the
/// server, so here the function is labelled as reviewed.
const SLEEP_IS_REVIEWED: (&str, &str) =
    ("jurat/catalog/data.json", r#"{"pg_catalog.pg_sleep()": ["function.allowed"]}"#);

/// Refused in every environment, and harmless to the other cases where it runs.
const DENIED: &str = "DELETE FROM payments";

/// Says whether a statement sleeps on another connection, so that a cancel is sent when there is
/// something to cancel.
const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'";

/// What a driver's program has to print.
pub(super) struct Cases {
    /// Hold in both places.
    pub(super) same: &'static [&'static str],
    /// Hold through Jurat and are open directly: denials and masks.
    pub(super) guarded: &'static [&'static str],
}

/// Where a program connects.
#[derive(Clone, Debug)]
pub(super) struct Place {
    port: u16,
    user: &'static str,
    password: &'static str,
    database: String,
    /// The certificate that the server has to show, PEM.
    certificate: PathBuf,
    /// A certificate of somebody else: a driver that trusts only this one must not connect.
    foreign_certificate: PathBuf,
    /// Whether all connections are encrypted, or only those of the cases about TLS.
    encrypted: bool,
    /// Whether Jurat is in front.
    guarded: bool,
}

impl Place {
    fn directly(shop: &Shop) -> Self {
        let home = &shop.jurat.home;
        home.write("upstream.crt", &shop.cluster.certificate);
        home.write("foreign.crt", &self_signed().0);
        Self {
            port: shop.cluster.port,
            user: cluster::UPSTREAM,
            password: cluster::PASSWORD,
            database: shop.twin.clone(),
            certificate: home.path("upstream.crt"),
            foreign_certificate: home.path("foreign.crt"),
            encrypted: true,
            guarded: false,
        }
    }

    fn through(shop: &Shop) -> Self {
        Self {
            port: shop.jurat.port,
            user: USER,
            password: PASSWORD,
            database: "shop".to_owned(),
            certificate: shop.jurat.home.path("tls.crt"),
            guarded: true,
            ..Self::directly(shop)
        }
    }

    /// The certificate that the server has to show, PEM.
    fn certificate(&self) -> String {
        fs::read_to_string(&self.certificate).unwrap()
    }

    /// The certificate of somebody else, PEM.
    fn foreign_certificate(&self) -> String {
        fs::read_to_string(&self.foreign_certificate).unwrap()
    }

    /// Tells a program where to connect.
    fn hand_to(&self, command: &mut Command) {
        command
            .env("MATRIX_HOST", "127.0.0.1")
            .env("MATRIX_PORT", self.port.to_string())
            .env("MATRIX_USER", self.user)
            .env("MATRIX_PASSWORD", self.password)
            .env("MATRIX_DATABASE", &self.database)
            .env("MATRIX_CA", &self.certificate)
            .env("MATRIX_FOREIGN_CA", &self.foreign_certificate)
            .env("MATRIX_TLS", if self.encrypted { "verify" } else { "off" });
    }
}

/// What a program said.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) version: String,
    /// The lines about cases, in order: the word and the case.
    lines: Vec<(String, String)>,
}

impl Told {
    /// A case of a driver that runs in this process.
    fn case(&mut self, name: &str, word: &str) {
        self.lines.push((word.to_owned(), name.to_owned()));
    }

    pub(super) fn read(text: &str) -> Self {
        let mut told = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("version", version)) => version.clone_into(&mut told.version),
                Some((word @ ("ok" | "open"), case)) => {
                    told.lines.push((word.to_owned(), case.to_owned()));
                }
                _ => panic!("a program of the matrix may not say `{line}`"),
            }
        }
        told
    }

    /// Exactly the expected cases, each once. A case that is missing was skipped, and is a failure.
    pub(super) fn check(&self, guarded: bool, cases: &Cases) {
        let same = cases.same.iter().map(|name| ("ok", *name));
        let word = if guarded { "ok" } else { "open" };
        let expected: BTreeSet<_> =
            same.chain(cases.guarded.iter().map(|name| (word, *name))).collect();
        let told: BTreeSet<_> =
            self.lines.iter().map(|(word, case)| (word.as_str(), case.as_str())).collect();
        let missing: Vec<_> = expected.difference(&told).collect();
        let surplus: Vec<_> = told.difference(&expected).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "missing {missing:?}, not expected {surplus:?}"
        );
        assert_eq!(self.lines.len(), told.len(), "a case was told twice");
    }
}

/// Runs a program to its end and checks what it told.
async fn run(mut command: Command, place: &Place, cases: &Cases) -> Told {
    place.hand_to(&mut command);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let name = if place.guarded { "through Jurat" } else { "directly" };
    assert!(output.status.success(), "{name}:\n{said}\n{errors}");
    let told = Told::read(&said);
    told.check(place.guarded, cases);
    told
}

/// Runs a driver's program in both places and asks the oracles.
async fn matrix(tier: &str, setup: Setup, command: impl Fn() -> Command, cases: &Cases) {
    let setup = setup.policy(SLEEP_IS_REVIEWED.0, SLEEP_IS_REVIEWED.1);
    let Some(shop) = Shop::open(setup).await else { return };
    let (directly, through) = (Place::directly(&shop), Place::through(&shop));
    let (_, told) = tokio::join!(run(command(), &directly, cases), run(command(), &through, cases));
    conclude(tier, &told.version, cases, shop).await;
}

/// The same for a driver in Rust, which needs no program of its own.
async fn in_process(
    tier: &str,
    version: &str,
    setup: Setup,
    cases: &Cases,
    tell: impl AsyncFn(&Place) -> Told,
) {
    let setup = setup.policy(SLEEP_IS_REVIEWED.0, SLEEP_IS_REVIEWED.1);
    let Some(shop) = Shop::open(setup).await else { return };
    for place in [Place::directly(&shop), Place::through(&shop)] {
        tell(&place).await.check(place.guarded, cases);
    }
    conclude(tier, version, cases, shop).await;
}

/// The version of a crate in the lock file.
fn locked(name: &str) -> String {
    let lock = include_str!("../../../Cargo.lock");
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
    package.split('"').next().unwrap().to_owned()
}

/// What is told about the address of the customer 7.
fn mask_word(email: &str) -> &'static str {
    if email == "canary7@leak.example" {
        return "open";
    }
    assert!(email.ends_with("@leak.example") && !email.contains("canary"), "{email}");
    "ok"
}

/// The record accounts for everything that ran, and holds the denials that the driver saw.
async fn conclude(tier: &str, version: &str, cases: &Cases, shop: Shop) {
    let records = shop.close().await;
    let denials = cases.guarded.iter().filter(|case| case.starts_with("denial")).count();
    assert!(denials >= 2, "a matrix without denials");
    assert!(records.denials().len() >= denials, "{} denials", records.denials().len());
    assert!(!version.is_empty(), "the program did not say its version");
    tiers::met(tier, version);
}

/// A program of the matrix.
pub(super) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers").join(name)
}

/// A variable that `scripts/test` sets when what a driver needs is there.
pub(super) fn needed(tier: &str, variable: &str, script: &str) -> Option<OsString> {
    let found = env::var_os(variable);
    if found.is_none() {
        tiers::missing(tier, &format!("run {script} and set {variable}"));
    }
    found
}

/// A program in Python.
pub(super) fn python(tier: &str, name: &str) -> Option<impl Fn() -> Command> {
    let interpreter = needed(tier, "JURAT_TEST_PYTHON", "scripts/ensure-python")?;
    let program = program(name);
    Some(move || {
        let mut command = Command::new(&interpreter);
        command.arg("-B").arg(&program).env("PYTHONPATH", self::program("python"));
        command
    })
}

#[test]
fn a_case_that_is_skipped_is_noticed() {
    let cases = Cases { same: &["a", "b"], guarded: &["g"] };
    let fails = |text: &str| {
        let told = Told::read(text);
        std::panic::catch_unwind(|| told.check(true, &cases)).is_err()
    };
    assert!(!fails("version 1\nok a\nok b\nok g\n"));
    for text in [
        "ok a\nok g",
        "ok a\nok b\nopen g",
        "ok a\nok b\nok g\nok g",
        "ok a\nok b\nok g\nok h",
        "ok a\nopen b\nok g",
    ] {
        assert!(fails(text), "{text}");
    }
}

//! The demo's tour, on real servers where there are some, and on the playground everywhere.

use std::{env, path::Path, process};

use crate::command::{Run, jurat, jurat_on_path};

/// The steps that are taken over each protocol.
const STEPS: [&str; 12] = [
    "MASK", "MASK", "ALLOW", "ALLOW", "DENY", "DENY", "DENY", "STALL", "APPROVE", "BUDGET",
    "FREEZE", "EXACT",
];

#[test]
fn every_step_of_the_tour_holds_on_postgresql() {
    let run =
        jurat(&["demo", "--upstream", "postgres", "--exit-after-tour", "--port-base", "21432"]);
    if is_missing(&run, "install the package postgresql") {
        return;
    }
    tour_holds(&run, &["PostgreSQL"]);
    assert!(run.stdout.starts_with("starting PostgreSQL "), "{run}");
}

#[test]
fn every_step_of_the_tour_holds_on_mariadb() {
    let mariadb = Mariadb::of_the_tests();
    let run = jurat_on_path(
        mariadb.as_ref().map(Mariadb::bin).as_deref(),
        &["demo", "--upstream", "mariadb", "--exit-after-tour", "--port-base", "21532"],
    );
    if is_missing(&run, "install the package mariadb-server") {
        assert!(mariadb.is_none(), "the MariaDB of the tests is on the PATH: {run}");
        return;
    }
    tour_holds(&run, &["MySQL"]);
    assert!(run.stdout.starts_with("starting MariaDB "), "{run}");
}

#[test]
fn every_step_of_the_tour_holds_on_the_playground_too() {
    let run =
        jurat(&["demo", "--upstream", "playground", "--exit-after-tour", "--port-base", "21632"]);
    tour_holds(&run, &["PostgreSQL", "MySQL"]);
    assert!(run.stdout.starts_with("using the playground: SQLite "), "{run}");
}

/// Whichever of the two is installed here; with the MariaDB of the tests, and without it.
#[test]
fn every_step_holds_over_both_protocols_whatever_is_installed() {
    let mariadb = Mariadb::of_the_tests();
    for (bin, port) in [(mariadb.as_ref().map(Mariadb::bin), "21732"), (None, "21832")] {
        let given = bin.is_some();
        let arguments = ["demo", "--exit-after-tour", "--port-base", port];
        let run = jurat_on_path(bin.as_deref(), &arguments);
        tour_holds(&run, &["PostgreSQL", "MySQL"]);
        for product in ["PostgreSQL", "MariaDB"] {
            // What is missing is said, and the playground is in its place.
            let started = run.stdout.contains(&format!("starting {product} "));
            let missing = run.stdout.contains(&format!("no {product} is installed"));
            assert!(started != missing, "{run}");
            assert!(started || run.stdout.contains("using the playground: SQLite "), "{run}");
            assert!(started || product != "MariaDB" || !given, "{run}");
        }
    }
}

/// Nothing to run it on: then the answer is what to install, in one line.
fn is_missing(run: &Run, told: &str) -> bool {
    if run.code != 5 {
        return false;
    }
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
    assert!(run.stderr.contains(told), "{run}");
    true
}

fn tour_holds(run: &Run, protocols: &[&str]) {
    assert_eq!(run.code, 0, "{run}");
    let words: Vec<String> = run
        .stdout
        .lines()
        .filter(|line| line.contains('→') && !line.starts_with(' '))
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let mut expected: Vec<String> = protocols
        .iter()
        .flat_map(|protocol| STEPS.map(|step| format!("{step} {protocol}")))
        .collect();
    expected.extend(["RECORD jurat".to_owned(), "RECORD one".to_owned()]);
    assert_eq!(words, expected, "{run}");
    assert!(!run.stdout.contains('\u{1b}'), "no colors where there is no terminal: {run}");
}

/// A copy of the server that `scripts/ensure-mariadb` unpacks. The cache folder may be closed to the account that
/// the demo runs it as.
struct Mariadb(tempfile::TempDir);

impl Mariadb {
    fn of_the_tests() -> Option<Self> {
        let bin = env::var_os("JURAT_TEST_MARIADB_BIN")?;
        let dir = tempfile::Builder::new().prefix("jurat-cli-mariadb-").tempdir().unwrap();
        let tree = Path::new(&bin).parent().unwrap();
        let copied = process::Command::new("cp")
            .arg("-R")
            .arg(tree)
            .arg(dir.path().join("mariadb"))
            .status();
        assert!(copied.unwrap().success(), "{} cannot be copied", tree.display());
        let open = process::Command::new("chmod").args(["-R", "a+rX"]).arg(dir.path()).status();
        assert!(open.unwrap().success());
        Some(Self(dir))
    }

    fn bin(&self) -> std::path::PathBuf {
        self.0.path().join("mariadb/bin")
    }
}

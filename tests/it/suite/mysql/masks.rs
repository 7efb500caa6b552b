//! Threat: protected values that come out of a MariaDB: the rows of the catalogue of attacks that are MySQL's own
//! (MYS) and those about masks (MASK) and inference (INF), as MySQL writes them.
//!
//! Each attack first runs without Jurat, where it must work. Through Jurat it may be refused or show masks; no byte
//! that comes back may hold a protected value, in any spelling, and no question about one may be answered.

use std::process::Output;

use crate::harness::{MyShop, Setup, canary, mariadb::Cli};

mod cases;
mod methods;

/// One attack.
struct Attack {
    /// The row of the catalogue.
    row: &'static str,
    directly: Directly,
    /// Statements of one session, as the command line client takes them.
    script: &'static str,
}

/// What an attack does without Jurat, which it must not do through it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directly {
    /// It shows a protected value. Through Jurat it shows a mask, or it is refused.
    Leaks,
    /// Its rows tell something about protected values. Through Jurat they are others, or it is refused.
    Tells,
}

/// Objects that some attacks need.
const OBJECTS: &str = "CREATE TABLE shop.scratch (id int PRIMARY KEY, body text);
    INSERT INTO shop.scratch VALUES (1, 'x');
    CREATE SQL SECURITY DEFINER VIEW shop.owned AS SELECT id, ssn AS number FROM shop.customers;
    CREATE VIEW shop.joined AS SELECT o.id, c.email FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id;
    CREATE VIEW shop.sorted AS SELECT id FROM shop.customers WHERE ssn > '999-55-0010';
    CREATE PROCEDURE shop.show_all() SELECT email FROM shop.customers;";

#[test]
fn no_attack_on_masks_works_through_jurat() {
    let setup = Setup { objects: OBJECTS, ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    let made = shop.twin().admin().run(OBJECTS);
    assert!(made.status.success(), "objects: {made:?}");
    let mut failed = Vec::new();
    for attack in cases::ATTACKS {
        if let Err(problem) = run(&shop, attack) {
            failed.push(format!("{} `{}`\n    {problem}", attack.row, attack.script));
        }
    }
    shop.close();
    let all = cases::ATTACKS.len();
    assert!(failed.is_empty(), "{} of {all}:\n{}", failed.len(), failed.join("\n"));
}

/// Ordinary statements over masked tables that must not be refused, because then nobody could work.
#[test]
fn ordinary_statements_over_masked_tables_run() {
    let setup = Setup { objects: OBJECTS, ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    let cli = shop.cli("ana");
    let mut failed = Vec::new();
    for (text, expected) in cases::ORDINARY {
        let ran = cli.run(text);
        let shown = String::from_utf8_lossy(&ran.stdout).replace('\t', " ").replace('\n', "|");
        if shown.trim_end_matches('|') != *expected {
            let error = String::from_utf8_lossy(&ran.stderr).into_owned();
            failed.push(format!("{text}\n    {shown}\n    {error}"));
        }
    }
    shop.close();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn run(shop: &MyShop, attack: &Attack) -> Result<(), String> {
    let direct = said(&shop.direct(), attack.script);
    let leaked = canary::find(&bytes(&direct));
    let works = match attack.directly {
        Directly::Leaks => leaked.is_some(),
        Directly::Tells => direct.status.success() && !direct.stdout.is_empty(),
    };
    if !works {
        return Err(format!("it does not work directly: {}", shown(&direct)));
    }
    let through = said(&shop.cli("ana"), attack.script);
    if let Some(found) = canary::find(&bytes(&through)) {
        return Err(format!("{found:?} came out: {}", shown(&through)));
    }
    if attack.directly == Directly::Tells
        && through.status.success()
        && through.stdout == direct.stdout
    {
        return Err(format!("it tells the same: {}", shown(&through)));
    }
    Ok(())
}

/// What a script says, past its first error too. What it writes is taken back, so that the next one finds the same.
fn said(cli: &Cli, script: &str) -> Output {
    cli.clone().with("--force").run(&format!("START TRANSACTION; {script}; ROLLBACK"))
}

fn bytes(output: &Output) -> Vec<u8> {
    [&output.stdout[..], &output.stderr[..]].concat()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&bytes(output)).chars().take(400).collect()
}

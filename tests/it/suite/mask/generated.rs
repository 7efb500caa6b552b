//! Statements that nobody thought of: a grammar makes them, and no protected value may come out of any.
//!
//! Each is run without Jurat first, where most of them give values away. `make soak-masking` makes many more
//! (`STATEMENTS=n`, `SEED=n`). One that leaks is made as small as it can be and kept in `kept.sql`, whose
//! statements are run first from then on.

use std::env;

use crate::{
    generate::{
        choices::{Choices, random, simpler},
        statement,
    },
    harness::{Shop, Wire, canary, cluster},
};

/// How many statements are made where nothing else is said.
const STATEMENTS: u64 = 2000;
/// How many choices one statement has at most, bytes.
const CHOICES: usize = 500;
/// Tries to make a statement smaller.
const TRIES: usize = 400;

const KEPT: &str = include_str!("kept.sql");
const KEPT_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/suite/mask/kept.sql");

/// Views besides those of the fixture; and no statement may take long.
const DEFINITIONS: &str = "CREATE VIEW loud AS SELECT id, upper(email) AS cry FROM customers;
GRANT SELECT ON loud TO PUBLIC;";

#[derive(Debug, Default)]
struct Count {
    /// Ran without Jurat.
    valid: u64,
    /// Gave a protected value away without Jurat.
    leaked: u64,
    /// Of those, ran through Jurat.
    masked: u64,
    /// Of those, were refused.
    refused: u64,
}

#[tokio::test]
async fn no_generated_statement_gives_a_protected_value_away() {
    let Some(shop) = Shop::usual().await else { return };
    for database in [&shop.database, &shop.twin] {
        let admin = shop.cluster.connect(cluster::ADMIN, database).await;
        admin.batch_execute(DEFINITIONS).await.unwrap();
        let patience = format!("ALTER DATABASE {database} SET statement_timeout = '5s'");
        admin.batch_execute(&patience).await.unwrap();
    }
    let mut wires = Wires { direct: shop.direct_wire().await, jurat: shop.wire("ana").await };
    for text in KEPT.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        assert_eq!(wires.leak(text, 0).await, None, "kept, and leaks again: {text}");
    }
    let seed = number("SEED").unwrap_or(1);
    let statements = number("STATEMENTS").unwrap_or(STATEMENTS);
    let mut count = Count::default();
    for n in 0..statements {
        let choices = random(seed, n, CHOICES);
        if let Some(found) = wires.one(&choices, n, &mut count).await {
            let text = wires.smallest(choices, n).await;
            keep(&text);
            panic!("statement {n} of seed {seed} leaks {found}\nas small as it gets:\n{text}");
        }
        if n % 500 == 499 {
            // What was received is looked through and of no more use.
            wires = Wires { direct: shop.direct_wire().await, jurat: shop.wire("ana").await };
        }
    }
    println!("{statements} statements, seed {seed}: {count:?}");
    let Count { valid, leaked, masked, refused: _ } = count;
    // A grammar that makes nothing of interest would find nothing.
    assert!(valid * 10 > statements * 7, "too few are valid: {count:?}");
    assert!(leaked * 10 > statements * 3, "too few leak without Jurat: {count:?}");
    assert!(masked * 10 > leaked * 4, "too few of those run through Jurat: {count:?}");
    drop(wires);
    shop.close().await;
}

/// A session without Jurat and one through it.
struct Wires {
    direct: Wire,
    jurat: Wire,
}

impl Wires {
    /// Runs one statement on both sides; the protected value that came through Jurat, where one did.
    async fn one(&mut self, choices: &[u8], n: u64, count: &mut Count) -> Option<String> {
        let text = statement(&mut Choices::new(choices));
        let before = self.direct.received.len();
        let failed = self.direct.run(&text).await.error().is_some();
        count.valid += u64::from(!failed);
        let leaks = canary::find(&self.direct.received[before..]).is_some();
        count.leaked += u64::from(leaks);
        let (found, refused) = self.through(&text, n).await;
        count.masked += u64::from(leaks && !refused);
        count.refused += u64::from(leaks && refused);
        found
    }

    /// What a text gives away through Jurat.
    async fn leak(&mut self, text: &str, n: u64) -> Option<String> {
        self.through(text, n).await.0
    }

    async fn through(&mut self, text: &str, n: u64) -> (Option<String>, bool) {
        let before = self.jurat.received.len();
        // COPY needs the simple protocol's answer; the others take turns.
        let reply = match n % 3 {
            1 if !text.starts_with("COPY") => self.jurat.run_extended(text, 0).await,
            2 if !text.starts_with("COPY") => self.jurat.run_extended(text, 1).await,
            _ => self.jurat.run(text).await,
        };
        (canary::find(&self.jurat.received[before..]), reply.error().is_some())
    }

    /// The smallest statement that still leaks.
    async fn smallest(&mut self, mut choices: Vec<u8>, n: u64) -> String {
        let mut tries = 0;
        'smaller: while tries < TRIES {
            for fewer in simpler(&choices) {
                tries += 1;
                let text = statement(&mut Choices::new(&fewer));
                if text.len() < statement(&mut Choices::new(&choices)).len()
                    && self.leak(&text, n).await.is_some()
                {
                    choices = fewer;
                    continue 'smaller;
                }
            }
            break;
        }
        statement(&mut Choices::new(&choices))
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Appends a statement to those that are run first; only where `make soak-masking` asks for it.
fn keep(text: &str) {
    use std::io::Write as _;
    if env::var_os("JURAT_KEEP").is_some() {
        let mut file = std::fs::OpenOptions::new().append(true).open(KEPT_FILE).unwrap();
        writeln!(file, "{text}").unwrap();
    }
}

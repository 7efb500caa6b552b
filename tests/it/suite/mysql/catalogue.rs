//! Threat: every way of getting at protected values in the catalogue of attacks, as MySQL and MariaDB write them: the
//! rows that are their own (MYS), and those about masks and inference (MASK, INF) where MySQL has something to say.
//!
//! As for PostgreSQL (`suite/catalogue.rs`), each attack first runs without Jurat, where it must work. Through Jurat
//! it runs as a text and prepared, and may be refused or show masks; no byte that comes back may hold a protected
//! value, in any spelling, and no question about one may be answered.

use crate::harness::{
    MyShop, Setup, canary, mariadb,
    mysql_wire::{MyError, MyResult, MyWire},
};

mod inference;
mod laundering;
mod reading;
mod side_effects;

/// One attack.
#[derive(Clone, Copy, Debug)]
struct Attack {
    /// The row of the catalogue.
    row: &'static str,
    directly: Directly,
    /// Statements of one session, in order, with `; ` between them.
    script: &'static str,
    /// The only server that has it.
    only: Option<mariadb::Kind>,
}

/// What an attack does without Jurat, which it must not do through it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directly {
    /// It shows a protected value. Through Jurat it shows a mask, or it is refused.
    Leaks,
    /// Its rows tell something about protected values. Through Jurat they are others, or it is refused.
    Tells,
    /// It does something. Through Jurat it is refused.
    Acts,
    /// It is harmless, and must stay so when its text is written anew: all columns but the last, which is masked,
    /// show the same through Jurat, or it is refused.
    Keeps,
    /// It needs something that this server does not have. Through Jurat nothing leaks.
    Fails,
}

impl Attack {
    const fn new(row: &'static str, directly: Directly, script: &'static str) -> Self {
        Self { row, directly, script, only: None }
    }

    /// What MySQL does not have.
    const fn of_mariadb(self) -> Self {
        Self { only: Some(mariadb::Kind::Mariadb), ..self }
    }

    /// What MariaDB does not have.
    const fn of_mysql(self) -> Self {
        Self { only: Some(mariadb::Kind::Mysql), ..self }
    }

    fn texts(&self) -> Vec<&'static str> {
        self.script.split("; ").collect()
    }
}

const fn leaks(row: &'static str, script: &'static str) -> Attack {
    Attack::new(row, Directly::Leaks, script)
}

const fn tells(row: &'static str, script: &'static str) -> Attack {
    Attack::new(row, Directly::Tells, script)
}

const fn acts(row: &'static str, script: &'static str) -> Attack {
    Attack::new(row, Directly::Acts, script)
}

const fn keeps(row: &'static str, script: &'static str) -> Attack {
    Attack::new(row, Directly::Keeps, script)
}

const fn fails(row: &'static str, script: &'static str) -> Attack {
    Attack::new(row, Directly::Fails, script)
}

/// Objects that some attacks need.
pub(super) const OBJECTS: &str = "CREATE TABLE shop.scratch (id int PRIMARY KEY, body text);
    INSERT INTO shop.scratch VALUES (1, 'x');
    CREATE TABLE shop.parts (id int, email varchar(100)) PARTITION BY HASH (id) PARTITIONS 2;
    INSERT INTO shop.parts SELECT id, email FROM shop.customers;
    CREATE TABLE shop.kept (id int, email varchar(100)) ENGINE = MyISAM;
    INSERT INTO shop.kept SELECT id, email FROM shop.customers;
    CREATE TABLE shop.merged (id int, email varchar(100)) ENGINE = MERGE UNION = (shop.kept);
    CREATE SQL SECURITY DEFINER VIEW shop.owned AS SELECT id, ssn AS number FROM shop.customers;
    CREATE VIEW shop.joined AS SELECT o.id, c.email FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id;
    CREATE VIEW shop.sorted AS SELECT id FROM shop.customers WHERE ssn > '999-55-0010';
    CREATE PROCEDURE shop.show_all() SELECT email FROM shop.customers;";

/// Protects what the further objects hold.
const POLICY: &str = r#"package jurat.catalogue

masks contains {"id": "catalogue", "column": column, "method": "null"} if {
	input.stage == "statement"
	some column in ["shop.kept.email", "shop.parts.email"]
}
"#;

/// How an attack is sent.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    Text,
    /// All in one text.
    AtOnce,
    Prepared,
}

/// What became of the statements of an attack.
type Replies = Vec<Result<Vec<MyResult>, MyError>>;

fn every(attacks: &[Attack]) {
    let setup = Setup { objects: OBJECTS, ..Setup::mariadb() }.policy("catalogue.rego", POLICY);
    let Some(shop) = MyShop::open(setup) else { return };
    let digests = digests(&shop);
    let mut direct = shop.direct_wire();
    let protocols = [Protocol::Text, Protocol::AtOnce, Protocol::Prepared];
    let mut sessions = protocols.map(|_| shop.wire("ana"));
    let mut failed = Vec::new();
    let here = |attack: &&Attack| attack.only.is_none_or(|only| only == shop.server.kind());
    for attack in attacks.iter().filter(here) {
        let mut problems = Vec::new();
        let shown = directly(&mut direct, attack);
        for (session, protocol) in sessions.iter_mut().zip(protocols) {
            let result = match &shown {
                Ok(shown) => through_jurat(session, attack, protocol, shown, &digests),
                Err(problem) => Err(format!("directly: {problem}")),
            };
            problems.extend(result.err().map(|problem| format!("{protocol:?}: {problem}")));
            if !alive(session) {
                problems.push(format!("{protocol:?}: the session does not live on"));
                *session = shop.wire("ana");
            }
        }
        if !problems.is_empty() {
            let problems = problems.join("\n    ");
            failed.push(format!("{} `{}`\n    {problems}", attack.row, attack.script));
        }
    }
    drop(sessions);
    shop.close();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), attacks.len(), failed.join("\n"));
}

/// The digests of all protected values, which no reply may hold either.
fn digests(shop: &MyShop) -> Vec<String> {
    // MySQL has given the older ones up.
    let older = match shop.server.kind() {
        mariadb::Kind::Mariadb => "MD5(v), SHA1(v), ",
        mariadb::Kind::Mysql => "",
    };
    let rows = shop.direct_wire().one(&format!(
        "SELECT {older}SHA2(v, 224), SHA2(v, 256), SHA2(v, 384), SHA2(v, 512), TO_BASE64(UNHEX(SHA2(v, 256)))
         FROM (SELECT email AS v FROM customers UNION SELECT ssn FROM customers UNION SELECT card FROM customers
               UNION SELECT UPPER(email) FROM customers) q",
    ));
    rows.rows.into_iter().flatten().flatten().collect()
}

/// Runs the statements of an attack, past errors too.
fn run(wire: &mut MyWire, attack: &Attack, protocol: Protocol) -> Replies {
    let one = |text: &str| match protocol {
        Protocol::Text | Protocol::AtOnce => wire.query(text),
        Protocol::Prepared => wire.prepare(text).and_then(|statement| wire.execute(statement, &[])),
    };
    let texts = match protocol {
        Protocol::AtOnce => vec![attack.script],
        Protocol::Text | Protocol::Prepared => attack.texts(),
    };
    texts.into_iter().map(one).collect()
}

/// The rows of the last statement, if it worked.
fn last_rows(replies: &Replies) -> Vec<Vec<Option<String>>> {
    let last = replies.last().and_then(|reply| reply.as_ref().ok());
    last.and_then(|results| results.last()).map(|result| result.rows.clone()).unwrap_or_default()
}

/// Runs an attack without Jurat and takes it back, so that the next one finds the same.
fn directly(direct: &mut MyWire, attack: &Attack) -> Result<Vec<Vec<Option<String>>>, String> {
    direct.forget();
    direct.query("START TRANSACTION").unwrap();
    let replies = run(direct, attack, Protocol::Text);
    let leaked = canary::find(&direct.received).is_some();
    alive(direct);
    let error = replies.iter().find_map(|reply| reply.as_ref().err());
    let rows = last_rows(&replies);
    match (attack.directly, error) {
        (Directly::Leaks, error) if !leaked => Err(format!("it does not leak: {error:?} {rows:?}")),
        (Directly::Tells, _) if rows.is_empty() => Err(format!("it tells nothing: {error:?}")),
        (Directly::Tells | Directly::Acts | Directly::Keeps, Some(error)) => {
            Err(format!("it fails: {error:?}"))
        }
        (Directly::Fails, None) => Err("it works".to_owned()),
        (
            Directly::Leaks | Directly::Tells | Directly::Acts | Directly::Keeps | Directly::Fails,
            _,
        ) => Ok(rows),
    }
}

fn through_jurat(
    session: &mut MyWire,
    attack: &Attack,
    protocol: Protocol,
    shown: &[Vec<Option<String>>],
    digests: &[String],
) -> Result<(), String> {
    session.forget();
    session.query("START TRANSACTION").unwrap();
    let replies = run(session, attack, protocol);
    let found = canary::find(&session.received);
    if let Some(found) = found.or_else(|| canary::find_any(&session.received, digests)) {
        return Err(format!("leaked {found}"));
    }
    let refused = replies.iter().any(Result::is_err);
    let rows = last_rows(&replies);
    match attack.directly {
        _ if refused => Ok(()),
        Directly::Tells if rows == shown => Err(format!("it was answered: {rows:?}")),
        Directly::Acts => Err("it was done".to_owned()),
        Directly::Keeps if but_last(&rows) != but_last(shown) => {
            Err(format!("it reads differently: {rows:?} and not {shown:?}"))
        }
        Directly::Leaks | Directly::Tells | Directly::Keeps | Directly::Fails => Ok(()),
    }
}

fn but_last(rows: &[Vec<Option<String>>]) -> Vec<&[Option<String>]> {
    rows.iter().map(|row| row.split_last().map_or(&[][..], |(_, rest)| rest)).collect()
}

/// Whether a session still works; it is made like new.
fn alive(session: &mut MyWire) -> bool {
    session.query("ROLLBACK").ok();
    session.reset().is_ok()
        && session.query("SELECT 1").is_ok_and(|results| results[0].value() == "1")
}

#[test]
fn every_row_of_the_catalogue_has_its_attacks() {
    let attacks = [
        reading::READ,
        laundering::READ,
        laundering::MOVED,
        laundering::FURTHER,
        inference::ASKED,
        inference::TOLD,
        side_effects::SIDE,
    ];
    let document = include_str!("../../../../docs/attacks.md");
    let mut missing = Vec::new();
    for row in (1..=20).map(|row| format!("MYS-{row:02}")) {
        let tested = attacks.iter().copied().flatten().any(|attack| attack.row == row);
        if !tested {
            missing.push(format!("{row} has no attack"));
        }
        if !document.contains(&format!("| {row} |")) {
            missing.push(format!("{row} is not in docs/attacks.md"));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

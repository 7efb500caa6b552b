//! Promise: every kind of statement that MySQL and MariaDB have is named, and allowed, masked, held or denied for a
//! reason; and what is allowed does what it does without Jurat.
//!
//! Each case runs directly, where it must work, and then through Jurat as an application, a person, an agent and a
//! database administrator, under the policies that ship. What becomes of it is the table in
//! `docs/mysql-statements.md`, which this test compares (and `BLESS=1` writes, for the server that it runs on).

use std::{collections::BTreeMap, env, fs, path::Path};

use serde_json::Value;

use crate::harness::{
    MyShop, Setup, canary,
    jurat::LABELS,
    mariadb::{Cli, Kind},
    mysql_wire::{MyError, MyResult, MyWire},
    record::Records,
};

mod cases;

/// A script of one kind of statement.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Statements of one session, with `; ` between them.
    script: &'static str,
    /// The only server that has it.
    only: Option<Kind>,
    /// What it tells is another thing each time, or about the session itself.
    varies: bool,
    /// What takes it back, where a ROLLBACK does not.
    undo: &'static str,
}

impl Case {
    const fn of_mariadb(self) -> Self {
        Self { only: Some(Kind::Mariadb), ..self }
    }

    const fn of_mysql(self) -> Self {
        Self { only: Some(Kind::Mysql), ..self }
    }

    const fn varies(self) -> Self {
        Self { varies: true, ..self }
    }

    const fn undone_by(self, undo: &'static str) -> Self {
        Self { undo, ..self }
    }

    const fn server(&self) -> &'static str {
        match self.only {
            None => "both",
            Some(Kind::Mariadb) => "MariaDB",
            Some(Kind::Mysql) => "MySQL",
        }
    }
}

const fn case(script: &'static str) -> Case {
    Case { script, only: None, varies: false, undo: "" }
}

/// Who asks, and what the table calls them.
const PRINCIPALS: [(&str, &str); 4] =
    [("shopd", "application"), ("ana", "person"), ("bot", "agent"), ("dora", "administrator")];

/// What both servers have besides the fixture.
const OBJECTS: &str = "CREATE TABLE shop.scratch (id int PRIMARY KEY, body text);
    INSERT INTO shop.scratch VALUES (1, 'x'), (2, 'y');
    CREATE TABLE shop.audited (id int PRIMARY KEY);
    CREATE TRIGGER shop.audit AFTER INSERT ON shop.audited FOR EACH ROW INSERT INTO shop.scratch VALUES (NEW.id, 'audit');
    CREATE TABLE shop.parts (id int, body text) PARTITION BY HASH (id) PARTITIONS 2;
    INSERT INTO shop.parts VALUES (1, 'x'), (2, 'y');
    CREATE FUNCTION shop.twice(n int) RETURNS int DETERMINISTIC RETURN n * 2;
    CREATE FUNCTION shop.thrice(n int) RETURNS int DETERMINISTIC RETURN n * 3;";

/// Consent is there to be had, and one function is known to be harmless.
fn setup() -> Setup {
    let consent = r#"{"rules": ["agents.read_only", "guardrails.ddl_in_production"]}"#;
    let labels = LABELS.replace("public.", "shop.").replace(
        "{\"jurat\": {\"catalog\": {",
        "{\"jurat\": {\"catalog\": {\n  \"shop.thrice()\": [\"function.pure\"],",
    );
    let limits = "\n[approvals]\nstore = \"approvals.db\"\nsocket = \"approvers.sock\"\n\
        approvers = [\"group:dba\", \"priya\"]\npending_per_principal_max = 1000\n\
        [[approvals.operator]]\nprincipal = \"priya\"\ntoken = { file = \"priya.token\" }\n";
    Setup { objects: OBJECTS, limits, ..Setup::mariadb() }
        .policy("jurat/consent/data.json", consent)
        .policy("data.json", labels)
}

/// What the statements of a script answer, up to the first error.
type Replies = Vec<Result<Vec<MyResult>, MyError>>;

/// Runs a script in a transaction and takes it back. In a transaction nobody is kept waiting for consent.
fn run(wire: &mut MyWire, case: &Case, mark: &str) -> Replies {
    wire.forget();
    wire.one(mark);
    wire.one("START TRANSACTION");
    let mut replies = Vec::new();
    for text in case.script.split("; ") {
        replies.push(wire.query(text));
    }
    wire.query("ROLLBACK").ok();
    wire.reset().unwrap();
    wire.query("USE shop").unwrap();
    replies
}

/// Takes back what a script has done, if it has.
fn undo(cli: &Cli, case: &Case, replies: &Replies) {
    if !case.undo.is_empty() && replies.iter().all(Result::is_ok) {
        let ran = cli.run(case.undo);
        assert!(ran.status.success(), "{}: {ran:?}", case.undo);
    }
}

/// Names of columns, rows, and how many rows were changed.
type Told = (Vec<String>, Vec<Vec<Option<String>>>, u64);

/// What of the answers must be the same with and without Jurat.
fn told(replies: &Replies) -> Vec<Told> {
    let results = replies.iter().flatten().flatten();
    results.map(|one| (one.columns.clone(), one.rows.clone(), one.affected)).collect()
}

/// A mark in the record in front of each script.
fn mark(at: usize) -> String {
    format!("SELECT 1 AS script_{at}")
}

#[test]
fn each_kind_is_allowed_masked_held_or_denied() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let kind = shop.server.kind();
    let cases: Vec<(&str, &Case)> = cases::GROUPS
        .iter()
        .flat_map(|(group, cases)| cases.iter().map(|case| (*group, case)))
        .filter(|(_, case)| case.only.is_none_or(|only| only == kind))
        .collect();
    let mut direct = shop.direct_wire();
    let mut problems = Vec::new();
    let mut answers: Vec<Vec<Replies>> = Vec::new();
    let mut sessions = PRINCIPALS.map(|(user, _)| shop.wire(user));
    let mut directly = Vec::new();
    for (at, (_, case)) in cases.iter().enumerate() {
        let shown = run(&mut direct, case, &mark(at));
        undo(&shop.twin().admin(), case, &shown);
        if let Some(Err(error)) = shown.iter().find(|reply| reply.is_err()) {
            problems.push(format!("`{}` fails directly: {error:?}", case.script));
        }
        directly.push(told(&shown));
        let each = sessions.iter_mut().map(|session| {
            let replies = run(session, case, &mark(at));
            undo(&shop.inspector(), case, &replies);
            if let Some(found) = canary::find(&session.received) {
                problems.push(format!("`{}` leaks {found}", case.script));
            }
            replies
        });
        answers.push(each.collect());
    }
    drop(sessions);
    let records = shop.close();
    let decided = PRINCIPALS.map(|(user, _)| decisions(&records, user));
    let mut lines = BTreeMap::new();
    for (at, (_, case)) in cases.iter().enumerate() {
        let mut kinds: Vec<String> = Vec::new();
        let mut cells: Vec<String> = Vec::new();
        for (who, decided) in decided.iter().enumerate() {
            let decisions = decided.get(&mark(at)).map_or(&[][..], Vec::as_slice);
            for decision in decisions {
                add(&mut kinds, text(&decision["input"]["statement"]["kind"]));
            }
            let verdicts = verdicts(decisions);
            let replies = &answers[at][who];
            let ran = replies.iter().all(Result::is_ok);
            let passes = verdicts.iter().all(|one| one == "allow" || one == "mask");
            if ran != passes {
                problems.push(format!("`{}`: {verdicts:?}, and told {replies:?}", case.script));
            }
            let same = case.varies || told(replies) == directly[at];
            if verdicts == ["allow"] && !same {
                let (through, directly) = (told(replies), &directly[at]);
                problems.push(format!("`{}`: {through:?} and not {directly:?}", case.script));
            }
            cells.push(verdicts.join(", "));
        }
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let line = format!(
            "| `{}` | {} | {} | {} |",
            case.script.replace('|', "\\|"),
            case.server(),
            kinds.join(", "),
            cells.join(" | ")
        );
        lines.insert((case.script, case.server()), line);
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    compare(&lines);
}

/// The decisions on a principal's statements by the mark in front of them, without transactions of the test's own.
fn decisions(records: &Records, user: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut current = String::new();
    let mut begun = false;
    for decision in records.decisions() {
        let input = &decision["input"];
        if text(&input["principal"]["id"]) != user || text(&input["stage"]) != "statement" {
            continue;
        }
        let statement = text(&input["statement"]["text"]);
        if let Some((_, number)) = statement.split_once("script_") {
            current = format!("SELECT 1 AS script_{}", number.trim_end_matches('`'));
            begun = false;
        } else if !begun {
            assert_eq!(statement, "START TRANSACTION");
            begun = true;
        } else {
            found.entry(current.clone()).or_default().push(decision);
        }
    }
    for decisions in found.values_mut() {
        // ROLLBACK and USE.
        let rest = decisions.len().saturating_sub(2);
        decisions.truncate(rest);
    }
    found
}

/// What became of the statements of a script, each verdict once, in order.
fn verdicts(decisions: &[Value]) -> Vec<String> {
    let mut verdicts = Vec::new();
    for decision in decisions {
        let result = &decision["result"];
        let verdict = match text(&result["effect"]).as_str() {
            "allow" => "allow".to_owned(),
            "rewrite" => "mask".to_owned(),
            "require_approval" => "hold".to_owned(),
            "deny" => {
                let first = &result["reasons"][0];
                format!("deny ({})", text(&first["id"]))
            }
            other => panic!("{other}: {decision}"),
        };
        add(&mut verdicts, verdict);
    }
    verdicts
}

fn add(list: &mut Vec<String>, one: String) {
    if !list.contains(&one) {
        list.push(one);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Compares with the document, or writes it. Lines of the other server stay as they are.
fn compare(lines: &BTreeMap<(&str, &str), String>) {
    const MARKS: (&str, &str) = ("<!-- statements: begin -->\n", "<!-- statements: end -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mysql-statements.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(MARKS.0).unwrap();
    let (committed, after) = rest.split_once(MARKS.1).unwrap();
    let mut table = String::new();
    for (group, cases) in cases::GROUPS {
        let names: Vec<&str> = PRINCIPALS.iter().map(|(_, name)| *name).collect();
        table +=
            &format!("\n### {group}\n\n| Statements | Server | Kind | {} |\n|", names.join(" | "));
        table += &"---|".repeat(3 + names.len());
        table.push('\n');
        for case in *cases {
            let begins = format!("| `{}` | {} |", case.script.replace('|', "\\|"), case.server());
            let line = lines
                .get(&(case.script, case.server()))
                .map(String::as_str)
                .or_else(|| committed.lines().find(|line| line.starts_with(&begins)))
                .unwrap_or("| (run it with BLESS=1 on the other server) |");
            table += line;
            table.push('\n');
        }
    }
    table.push('\n');
    if env::var_os("BLESS").is_some() {
        let text = format!("{before}{}{table}{}{after}", MARKS.0, MARKS.1);
        fs::write(&path, text).unwrap();
    } else {
        assert_eq!(committed, table, "run with BLESS=1 and review docs/mysql-statements.md");
    }
}

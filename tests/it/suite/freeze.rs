//! Promise: once somebody has frozen a database, nothing changes in it until it is unfrozen, on connections that
//! were open before and with statements that were prepared before, whatever becomes of the process.

use serde_json::Value;

use crate::harness::{
    MyShop, Setup, Shop,
    jurat::{self, Home},
    record::Records,
};

const SECTION: &str = "\n[approvals]\nstore = \"approvals.db\"\nsocket = \"approvers.sock\"\n\
    [[approvals.operator]]\nprincipal = \"dora\"\ntoken = { file = \"dora.token\" }\n\
    [[approvals.operator]]\nprincipal = \"ana\"\ntoken = { file = \"ana.token\" }\n\
    [admin]\nadmins = [\"group:dba\"]\n";

const WRITE: &str = "UPDATE orders SET note = 'changed' WHERE id = 1";
const READ: &str = "SELECT COUNT(*) FROM orders";
const CHANGED: &str = "SELECT COUNT(*) FROM orders WHERE note = 'changed'";
const WHY: &str = "release 42 is going out";
/// What everybody is told whose write is denied.
const TOLD: &str = "shop is frozen until it is ended: release 42 is going out";

/// Runs `jurat admin` as the owner of a token.
pub(super) fn admin(home: &Home, who: &str, arguments: &[&str]) -> (bool, String) {
    let (config, token) = (home.path("jurat.toml"), home.path(&format!("{who}.token")));
    let (verb, rest) = arguments.split_first().unwrap();
    let mut all = vec!["admin", *verb, "-c", config.to_str().unwrap()];
    all.extend(["--token-file", token.to_str().unwrap()]);
    all.extend(rest);
    let output = jurat::command(&all, "");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn freeze(home: &Home, who: &str) -> (bool, String) {
    admin(home, who, &["freeze", "shop", "--reason", WHY])
}

/// Who froze, who unfroze, and why, are in the record; so is the freeze in each decision under it.
fn recorded(records: &Records) {
    let told = |action: &str| {
        let of = |record: &&Value| record["details"]["action"] == action;
        let found: Vec<Value> =
            records.0.iter().filter(of).map(|record| record["details"].clone()).collect();
        assert_eq!(found.len(), 1, "{action}: {found:?}");
        found[0].clone()
    };
    let (frozen, unfrozen) = (told("freeze"), told("unfreeze"));
    assert_eq!((frozen["by"].as_str(), frozen["via"].as_str()), (Some("dora"), Some("cli")));
    assert_eq!((frozen["database"].as_str(), frozen["reason"].as_str()), (Some("shop"), Some(WHY)));
    assert_eq!(
        (unfrozen["by"].as_str(), unfrozen["database"].as_str()),
        (Some("dora"), Some("shop"))
    );
    let writes = records.0.iter().filter(|record| record["input"]["statement"]["class"] == "write");
    for write in writes {
        // Temporary tables are the session's own.
        let touched = write["input"]["statement"]["relations"][0]["schema"].as_str();
        if touched.is_some_and(|schema| schema.starts_with("pg_temp")) {
            continue;
        }
        let frozen = write["input"]["session"]["freeze"]["reason"] == WHY;
        let effect = if frozen { "deny" } else { "allow" };
        assert_eq!(write["result"]["effect"], effect, "{write}");
    }
}

#[tokio::test]
async fn a_frozen_postgres_takes_no_write_until_it_is_unfrozen() {
    let setup = Setup { limits: SECTION, ..Setup::staging() };
    let Some(mut shop) = Shop::open(setup.clone()).await else { return };
    let mut ana = shop.wire("ana").await;
    assert_eq!(ana.run(WRITE).await.tag(), "UPDATE 1");
    ana.run("PREPARE mine AS UPDATE orders SET note = 'again' WHERE id = 2").await;
    assert_eq!(ana.run("EXECUTE mine").await.tag(), "UPDATE 1");
    // Another literal: the decision on the shape is known.
    let alike = WRITE.replace("id = 1", "id = 3");
    assert_eq!(ana.run(&alike).await.tag(), "UPDATE 1");
    let home = &shop.jurat.home;
    let (ok, said) = freeze(home, "ana");
    assert!(!ok && said.contains("ana may not freeze"), "{said}");
    let (ok, said) = admin(home, "dora", &["freeze", "other", "--reason", WHY]);
    assert!(!ok && said.contains("other"), "{said}");
    let past = ["freeze", "shop", "--reason", WHY, "--until", "2020-01-01T00:00Z"];
    let (ok, said) = admin(home, "dora", &past);
    assert!(!ok && said.contains("in the past"), "{said}");
    assert_eq!(
        freeze(home, "dora"),
        (true, format!("shop is frozen by dora until it is ended: {WHY}\n"))
    );
    for denied in [
        WRITE,
        &alike,
        "EXECUTE mine",
        "DROP TABLE notes",
        "GRANT SELECT ON orders TO PUBLIC",
        "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING 1) SELECT * FROM gone",
        "COPY notes FROM STDIN",
    ] {
        let reply = ana.run(denied).await;
        assert_eq!(reply.sqlstate(), "42501", "{denied}: {reply:?}");
        let message = reply.error().unwrap().message().to_owned();
        assert!(message.contains(TOLD) && message.contains("ask dora"), "{message}");
    }
    assert_eq!(ana.run(READ).await.sqlstate(), "00000");
    assert_eq!(ana.run("CREATE TEMP TABLE scratch (id int)").await.sqlstate(), "00000");
    assert_eq!(ana.run("INSERT INTO scratch VALUES (1)").await.tag(), "INSERT 0 1");
    assert_eq!(shop.count(CHANGED).await, 2);
    // It survives a power cut.
    drop(ana);
    shop.jurat.crash(&setup);
    let mut ana = shop.wire("ana").await;
    assert_eq!(ana.run(WRITE).await.sqlstate(), "42501");
    let home = &shop.jurat.home;
    assert!(admin(home, "ana", &["frozen"]).1.contains(WHY));
    assert!(!admin(home, "ana", &["unfreeze", "shop"]).0);
    assert_eq!(admin(home, "dora", &["unfreeze", "shop"]).1, "shop goes on\n");
    assert_eq!(ana.run(WRITE).await.tag(), "UPDATE 1");
    assert_eq!(admin(home, "dora", &["frozen"]), (true, String::new()));
    drop(ana);
    recorded(&shop.close().await);
}

#[tokio::test]
async fn a_freeze_with_an_end_ends_by_itself() {
    let setup = Setup { limits: SECTION, ..Setup::staging() };
    let Some(shop) = Shop::open(setup).await else { return };
    let mut ana = shop.wire("ana").await;
    let home = &shop.jurat.home;
    let (ok, said) = admin(home, "dora", &["freeze", "shop", "--reason", WHY, "--until", "2s"]);
    assert!(ok && said.contains("until 20"), "{said}");
    assert_eq!(ana.run(WRITE).await.sqlstate(), "42501");
    let patience = std::time::Instant::now();
    while ana.run(WRITE).await.sqlstate() == "42501" {
        assert!(patience.elapsed() < crate::harness::PATIENCE, "it does not end");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(shop.count(CHANGED).await, 1);
    drop(ana);
    shop.close().await;
}

#[test]
fn a_frozen_mysql_takes_no_write_until_it_is_unfrozen() {
    let setup = Setup { limits: SECTION, environment: "staging", ..Setup::mariadb() };
    let Some(mut shop) = MyShop::open(setup.clone()) else { return };
    let mut ana = shop.wire("ana");
    assert_eq!(ana.one(WRITE).affected, 1);
    let mine = ana.prepare("UPDATE orders SET note = 'again' WHERE id = 2").unwrap();
    assert_eq!(ana.execute(mine, &[]).unwrap()[0].affected, 1);
    let alike = WRITE.replace("id = 1", "id = 3");
    assert_eq!(ana.one(&alike).affected, 1);
    assert!(!freeze(&shop.jurat.home, "ana").0);
    assert!(freeze(&shop.jurat.home, "dora").0);
    for denied in [
        WRITE,
        &alike,
        "DROP TABLE notes",
        "TRUNCATE TABLE notes",
        "REPLACE INTO notes (id, body) VALUES (1, 'x')",
    ] {
        let error = ana.error(denied);
        assert!(error.message.contains(TOLD) && error.message.contains("ask dora"), "{error:?}");
    }
    let error = ana.execute(mine, &[]).unwrap_err();
    assert!(error.message.contains(TOLD), "{error:?}");
    ana.one(READ);
    assert_eq!(shop.count(CHANGED), 2);
    drop(ana);
    shop.jurat.crash(&setup);
    let mut ana = shop.wire("ana");
    assert!(ana.error(WRITE).message.contains(TOLD));
    assert_eq!(admin(&shop.jurat.home, "dora", &["unfreeze", "shop"]).1, "shop goes on\n");
    assert_eq!(ana.one("UPDATE orders SET note = 'thawed' WHERE id = 1").affected, 1);
    drop(ana);
    recorded(&shop.close());
}

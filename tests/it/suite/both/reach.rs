//! Promise: an intent says what a write reaches beyond the table that it names, along foreign keys and by triggers, so
//! that a policy can refuse it and who is asked for consent sees it.

use std::collections::BTreeSet;

use super::approvals::id_in;
use crate::harness::{
    Protocol, Setup,
    both::{WAYS, Way, both},
};

both!(
    a_policy_can_refuse_what_goes_along_foreign_keys,
    the_card_says_the_share_of_the_table_and_what_is_reached,
    what_a_write_reaches_is_in_its_intent,
);

/// One table that a delete of payments empties a column of, one that it does not reach, and one with a trigger.
const TABLES: &str = "CREATE TABLE returned (id int PRIMARY KEY, payment_id int, \
    FOREIGN KEY (payment_id) REFERENCES payments (id) ON DELETE SET NULL ON UPDATE CASCADE);
    CREATE TABLE kept (id int PRIMARY KEY, payment_id int, FOREIGN KEY (payment_id) REFERENCES payments (id));
    CREATE TABLE watched (id int PRIMARY KEY);";

const OF_POSTGRES: &str = "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS \
    'BEGIN DELETE FROM public.notes; RETURN NULL; END';
    CREATE TRIGGER watch AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION watch();";

const OF_MYSQL: &str =
    "CREATE TRIGGER watch AFTER INSERT ON watched FOR EACH ROW DELETE FROM notes;";

const OPEN: &str = r#"package jurat.reach
allow contains "everything"
"#;

const REFUSING: &str = r#"package jurat.reach
allow contains "everything"
deny contains {"id": "reach.cascades", "msg": sprintf("It reaches %s, too", [relation.id])} if {
	some relation in input.statement.relations
	relation.via == "cascade"
	relation.access == "write"
}
deny contains {"id": "reach.triggers", "msg": sprintf("Writing %s runs a trigger", [relation.id])} if {
	some relation in input.statement.relations
	relation.via == "trigger"
}
"#;

fn setup(on: Protocol, policy: &str) -> Setup {
    let objects: &'static str = [TABLES, on.either(OF_POSTGRES, OF_MYSQL)].concat().leak();
    Setup { shipped: false, objects, ..on.setup() }.policy("reach.rego", policy)
}

/// Writes, and the tables that they write with the way there.
const WRITES: [(&str, &[&str]); 8] = [
    (
        "DELETE FROM customers WHERE id = 1",
        &["customers direct", "orders cascade", "payments cascade", "returned cascade"],
    ),
    ("DELETE FROM orders WHERE id = 2", &["orders direct", "payments cascade", "returned cascade"]),
    ("DELETE FROM payments WHERE id = 3", &["payments direct", "returned cascade"]),
    ("UPDATE payments SET id = 1004 WHERE id = 4", &["payments direct", "returned cascade"]),
    ("UPDATE customers SET tier = 'gold' WHERE id = 5", &["customers direct"]),
    ("INSERT INTO kept VALUES (1, 6)", &["kept direct"]),
    ("DELETE FROM returned WHERE id = 1", &["returned direct"]),
    ("INSERT INTO watched VALUES (1)", &["watched direct", "watched trigger"]),
];

/// Only MySQL and MariaDB have these.
const OF_MYSQL_ONLY: [(&str, &[&str]); 4] = [
    (
        "REPLACE INTO orders VALUES (10, 1, 1, 'again')",
        &["orders direct", "payments cascade", "returned cascade"],
    ),
    (
        "DELETE o, n FROM orders o JOIN numbers n ON n.n = o.id WHERE o.id = 11",
        &["orders direct", "payments cascade", "returned cascade", "numbers direct"],
    ),
    (
        "UPDATE payments p JOIN orders o ON o.id = p.order_id SET p.id = 1012 WHERE o.id = 12",
        &["payments direct", "returned cascade"],
    ),
    (
        "INSERT INTO payments VALUES (13, 13, 1) ON DUPLICATE KEY UPDATE id = 1013",
        &["payments direct", "returned cascade"],
    ),
];

fn writes(on: Protocol) -> Vec<(&'static str, &'static [&'static str])> {
    let more = on.either(&[][..], &OF_MYSQL_ONLY[..]);
    WRITES.iter().chain(more).copied().collect()
}

async fn what_a_write_reaches_is_in_its_intent(on: Protocol) {
    let Some(shop) = on.open(setup(on, OPEN)).await else { return };
    let mut session = shop.session("shopd").await;
    for (text, expected) in writes(on) {
        for way in WAYS {
            session.one(on.either("BEGIN", "START TRANSACTION")).await;
            session.run(text, way).await.worked(text);
            session.one("ROLLBACK").await;
            let records = shop.records();
            let decisions = records.decisions();
            let decided =
                decisions.iter().rev().find(|d| d["input"]["statement"]["class"] == "write");
            let relations = &decided.unwrap()["input"]["statement"]["relations"];
            let found: BTreeSet<String> = relations
                .as_array()
                .unwrap()
                .iter()
                .filter(|relation| relation["access"] == "write")
                .map(|relation| {
                    let word = |key: &str| relation[key].as_str().unwrap();
                    format!("{} {}", word("name"), word("via"))
                })
                .collect();
            let expected: BTreeSet<String> = expected.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(found, expected, "{way:?}: {text}");
        }
    }
    shop.close().await;
}

async fn a_policy_can_refuse_what_goes_along_foreign_keys(on: Protocol) {
    let Some(shop) = on.open(setup(on, REFUSING)).await else { return };
    // Directly a row goes, and what refers to it.
    let mut direct = shop.direct().await;
    assert_eq!(direct.one("DELETE FROM customers WHERE id = 1").await.affected, 1);
    // How many of them the versions of the servers do not agree on.
    assert_ne!(direct.value("SELECT COUNT(*) FROM payments").await, "100");
    let mut session = shop.session("shopd").await;
    for (text, reached) in writes(on) {
        for way in WAYS {
            if reached.len() == 1 {
                session.one(on.either("BEGIN", "START TRANSACTION")).await;
                session.run(text, way).await.worked(text);
                session.one("ROLLBACK").await;
            } else {
                let told = session.run(text, way).await.denied(text);
                assert!(told.message.contains("[rule reach."), "{told:?}");
            }
        }
    }
    for table in ["customers", "orders", "payments"] {
        let left = shop.count(&format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(left, if table == "customers" { 20 } else { 100 }, "{table}");
    }
    shop.close().await;
}

/// Who is asked for consent sees how much of the table it is about, and what else it reaches.
async fn the_card_says_the_share_of_the_table_and_what_is_reached(on: Protocol) {
    let policy = r#"package jurat.own
obligations contains {"kind": "estimate", "params": {"by": "count", "share": true}} if {
	input.statement.kind == "delete"
	input.statement.estimate.source == "none"
}
approvals contains {"id": "own.ask", "msg": "Much goes", "approvers": ["group:dba"], "mode": "retry"} if input.statement.estimate.rows > 10
"#;
    let limits = "\n[approvals]\nstore = \"approvals.db\"\n";
    let setup = Setup { limits, environment: "staging", ..on.setup() };
    let Some(shop) = on.open(setup.policy("estimates.rego", policy)).await else { return };
    let mut session = shop.session("shopd").await;
    let text = "DELETE FROM orders WHERE id <= 38";
    let id = id_in(&session.run(text, Way::Text).await.denied(text)).unwrap();
    let mut dora = shop.session("dora").await;
    let card = dora.one(&format!("CALL jurat.show_approval('{id}')")).await;
    let card = format!("{:?}", card.rows);
    assert!(card.contains("38 of 100 rows, 38 %"), "{card}");
    let reached = on.write("public.payments (write, along a foreign key)");
    assert!(card.contains(&reached), "{card}");
    dora.one(&format!("CALL jurat.approve('{id}')")).await;
    assert_eq!(session.one(text).await.affected, 38);
    assert_eq!(session.one("DELETE FROM orders WHERE id = 100").await.affected, 1);
    shop.close().await;
}

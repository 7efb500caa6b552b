//! Threat: a function is called by its number, past SQL (WIRE-23). The shipped policies deny it; whatever is
//! decided stands in the record, and what is allowed is carried.

use crate::harness::{Setup, Shop, Wire, canary};

/// A FunctionCall with arguments in text, and the result in text.
fn call(oid: u32, arguments: &[&str]) -> Vec<u8> {
    let count = u8::try_from(arguments.len()).unwrap();
    let mut body = [&oid.to_be_bytes()[..], &[0, 0, 0, count]].concat();
    for argument in arguments {
        body.extend_from_slice(&u32::try_from(argument.len()).unwrap().to_be_bytes());
        body.extend_from_slice(argument.as_bytes());
    }
    body.extend_from_slice(&[0, 0]);
    body
}

async fn oid(wire: &mut Wire, signature: &str) -> u32 {
    let query = format!("SELECT '{signature}'::regprocedure::oid");
    wire.run(&query).await.value().parse().unwrap()
}

#[tokio::test]
async fn calls_are_denied_by_the_shipped_policies_and_recorded() {
    let Some(shop) = Shop::usual().await else { return };
    let mut direct = shop.direct_wire().await;
    let calls: [(&str, &[&str]); 4] = [
        (
            "query_to_xml(text,boolean,boolean,text)",
            &["select email from customers limit 1", "t", "f", ""],
        ),
        ("pg_read_file(text)", &["PG_VERSION"]),
        ("md5(text)", &["x"]),
        ("lo_creat(integer)", &["-1"]),
    ];
    let mut leaked = false;
    for (signature, arguments) in calls {
        let message = call(oid(&mut direct, signature).await, arguments);
        assert_eq!(direct.raw(b'F', &message).answer().await.tags(), "V ZI", "{signature}");
        leaked |= canary::find(&direct.received).is_some();

        for user in ["ana", "bot", "dora", "shopd"] {
            let mut wire = shop.wire(user).await;
            let reply = wire.raw(b'F', &message).answer().await;
            assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("42501", "E ZI"));
            let error = reply.error().unwrap();
            assert!(error.message().starts_with("jurat denied FUNCTION CALL"), "{error}");
            // In a transaction, and in a pipeline whose Sync has not come.
            wire.run("BEGIN").await;
            assert_eq!(wire.raw(b'F', &message).answer().await.tags(), "E ZE");
            assert_eq!(wire.run("ROLLBACK").await.tags(), "C ZI");
            wire.parse("", "SELECT 1").bind("", "").execute("").raw(b'F', &message);
            assert_eq!(wire.answer().await.tags(), "1 2 D C E ZI");
            assert_eq!(canary::find(&wire.received), None, "{signature}");
            assert_eq!(wire.run("SELECT 1").await.value(), "1");
        }
    }
    assert!(leaked, "directly the first of them gives a value away");
    assert_eq!(shop.count("SELECT count(*) FROM pg_largeobject_metadata").await, 0);
    let records = shop.close().await;
    assert_eq!(records.denials().len(), 4 * 4 * 3);
    let statement = &records.denials()[0]["input"]["statement"];
    assert_eq!(statement["protocol"], "function_call");
    assert_eq!(statement["kind"], "function_call");
    assert_eq!(statement["functions"][0]["class"], "unknown");
    let last = records.denials().pop().unwrap();
    assert_eq!(last["input"]["statement"]["functions"][0]["id"], "pg_catalog.lo_creat");
    assert_eq!(last["input"]["statement"]["functions"][0]["class"], "file");
}

#[tokio::test]
async fn a_call_that_a_policy_allows_is_carried() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"all\"} if true";
    let setup = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    let Some(shop) = Shop::open(setup).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);
    let md5 = call(oid(&mut direct, "md5(text)").await, &["x"]);
    let fails = call(oid(&mut direct, "pg_read_file(text)").await, &["nowhere"]);
    let scripts: [&dyn Fn(&mut Wire); 5] = [
        &|w| {
            w.raw(b'F', &md5);
        },
        &|w| {
            w.raw(b'F', &fails).raw(b'F', &md5).query("SELECT 2");
        },
        &|w| {
            w.raw(b'F', &call(4_000_000_000, &[]));
        },
        // In a pipeline; behind an error the server skips it to Sync.
        &|w| {
            w.parse("", "SELECT 1").bind("", "").execute("").raw(b'F', &md5);
            w.parse("", "SELECT nothing").raw(b'F', &md5).sync().raw(b'F', &md5);
        },
        &|w| {
            w.query("BEGIN").raw(b'F', &fails).raw(b'F', &md5).query("ROLLBACK");
        },
    ];
    for (number, script) in scripts.iter().enumerate() {
        let mut heard = Vec::new();
        for session in [&mut direct, &mut wire] {
            script(session);
            session.query("SELECT 'end'").send().await;
            let mut replies = Vec::new();
            loop {
                let reply = session.reply().await;
                let values: Vec<Vec<u8>> =
                    reply.0.iter().filter(|m| m.tag == b'V').map(|m| m.body.clone()).collect();
                replies.push((reply.tags(), reply.sqlstate(), values));
                if reply.rows().first().is_some_and(|row| row[0].as_deref() == Some("end")) {
                    break;
                }
            }
            heard.push(replies);
        }
        assert_eq!(heard[0], heard[1], "script {number}");
    }
    // A function may change what names mean.
    let make =
        "CREATE FUNCTION make() RETURNS int LANGUAGE sql AS 'CREATE TABLE made (id int); SELECT 1'";
    shop.inspector().await.batch_execute(make).await.unwrap();
    let makes = call(oid(&mut wire, "make()").await, &[]);
    assert_eq!(wire.raw(b'F', &makes).answer().await.tags(), "V ZI");
    assert_eq!(wire.run("SELECT id FROM made").await.tags(), "T C ZI");
    let records = shop.close().await;
    let calls: Vec<_> = records
        .decisions()
        .into_iter()
        .filter(|record| record["input"]["statement"]["kind"] == "function_call")
        .collect();
    // One more where the call behind an error left before the error came.
    assert!((9..=10).contains(&calls.len()), "each call has a decision: {}", calls.len());
    let mut outcomes: Vec<String> = calls
        .iter()
        .map(|call| records.outcome(call).unwrap()["outcome"].as_str().unwrap().to_owned())
        .collect();
    outcomes.retain(|outcome| outcome != "skipped");
    outcomes.sort();
    outcomes.dedup();
    assert_eq!(outcomes, ["done", "failed"]);
}

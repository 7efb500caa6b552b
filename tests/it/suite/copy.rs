//! Promise: COPY works in both directions and every format as it does without Jurat. Threats: it takes masked
//! columns out, it hides a write, and what is sent behind it is not judged.

use crate::harness::{Setup, Shop, Wire, canary, wire::Reply};

/// Adds messages to what is sent next.
type Script<'s> = &'s dyn Fn(&mut Wire);

/// COPY out of what is not protected: it comes back to the byte.
const OUT: &[&str] = &[
    "COPY orders TO STDOUT",
    "COPY orders (note, id) TO STDOUT",
    "COPY public.orders TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE (note))",
    "COPY orders TO STDOUT WITH CSV HEADER NULL AS 'none' QUOTE '\"' ESCAPE E'\\\\'",
    "COPY orders TO STDOUT (FORMAT binary)",
    "COPY BINARY orders TO STDOUT",
    "COPY orders TO STDIN WITH DELIMITER E'\\t'",
    "COPY (SELECT id, note FROM orders WHERE id < 10 ORDER BY id DESC) TO STDOUT (FORMAT csv)",
    "COPY (TABLE payments) TO STDOUT",
    "COPY (VALUES (1, 'a\tb'), (2, NULL)) TO STDOUT",
    "COPY (SELECT 1 WHERE false) TO STDOUT",
    "COPY (SELECT 1 / (id - 50) FROM orders ORDER BY id) TO STDOUT",
    "COPY (DELETE FROM payments WHERE id = 3 RETURNING id) TO STDOUT",
    "COPY numbers TO STDOUT; SELECT 1; COPY notes TO STDOUT",
];

/// What a client sees of a reply: the tags, the rows of the COPY, and the command tags.
fn seen(reply: &Reply) -> (String, Vec<u8>, Vec<Vec<u8>>, String) {
    let commands = reply.0.iter().filter(|message| message.tag == b'C');
    let commands = commands.map(|message| message.body.clone()).collect();
    (reply.tags(), reply.copied(), commands, reply.sqlstate())
}

#[tokio::test]
async fn rows_come_out_as_they_do_without_jurat() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);
    for text in OUT {
        assert_eq!(seen(&wire.run(text).await), seen(&direct.run(text).await), "{text}");
        if !text.contains(';') || text.contains("DELIMITER ';'") {
            let through = wire.run_extended(text, 0).await;
            let directly = direct.run_extended(text, 0).await;
            assert_eq!(seen(&through), seen(&directly), "extended: {text}");
        }
    }
    let records = shop.close().await;
    let decision = records.decision_on("COPY numbers");
    let statement = &decision["input"]["statement"];
    assert_eq!((&statement["kind"], &statement["class"]), (&"copy".into(), &"read".into()));
    let outcome = records.outcome(&decision).unwrap();
    assert_eq!((&outcome["command"], &outcome["rows"]), (&"COPY".into(), &200_000.into()));
}

/// PROT-19: a relation with masked columns is read through a query that masks them.
#[tokio::test]
async fn masked_columns_come_out_masked_in_every_format() {
    let Some(shop) = Shop::usual().await else { return };
    let mut direct = shop.direct_wire().await;
    for text in [
        "COPY customers TO STDOUT",
        "COPY customers (ssn, id) TO STDOUT (FORMAT csv, HEADER)",
        "COPY customers TO STDOUT WITH CSV HEADER FORCE QUOTE email",
        "COPY customers TO STDOUT (FORMAT binary)",
        "COPY (SELECT email FROM customers) TO STDOUT",
        "COPY (SELECT c FROM customers c) TO STDOUT",
        "COPY (TABLE customers) TO STDOUT (FORMAT binary)",
        "COPY archive.customers TO STDOUT",
        "COPY secrets (token) TO STDOUT",
        "COPY (SELECT reach_at FROM contact) TO STDOUT",
        "COPY (SELECT lower(email) FROM customers) TO STDOUT",
        "COPY (UPDATE customers SET tier = 'x' WHERE id = 1 RETURNING email) TO STDOUT",
    ] {
        direct.received.clear();
        let directly = direct_once(&shop, text).await;
        assert!(canary::find(&directly.received).is_some() || text.contains("archive"), "{text}");
        for extended in [false, true] {
            let mut wire = shop.wire("ana").await;
            let reply =
                if extended { wire.run_extended(text, 0).await } else { wire.run(text).await };
            assert_eq!(canary::find(&wire.received), None, "{text}");
            assert!(!String::from_utf8_lossy(&wire.received).contains("archived1"), "{text}");
            assert!(["00000", "42501"].contains(&reply.sqlstate().as_str()), "{text}: {reply:?}");
            assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI", "{text}");
        }
    }
    let mut wire = shop.wire("ana").await;
    // What is not protected stays what it is, and so does the order of the columns.
    let reply = wire.run("COPY customers (tier, email, id) TO STDOUT (FORMAT csv, HEADER)").await;
    let text = String::from_utf8(reply.copied()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (21, "tier,email,id"));
    assert!(lines.iter().any(|l| l.starts_with("gold,") && l.ends_with(",10")), "{lines:?}");
    // Whoever may read them gets them.
    let reply = shop.wire("priya").await.run("COPY customers (email) TO STDOUT").await;
    assert!(canary::find(&reply.copied()).is_some(), "{reply:?}");
    shop.close().await;
}

async fn direct_once(shop: &Shop, text: &str) -> Wire {
    let mut direct = shop.direct_wire().await;
    direct.run("BEGIN").await;
    let reply = direct.run(text).await;
    assert_eq!(reply.sqlstate(), "00000", "directly: {text}");
    direct.run("ROLLBACK").await;
    direct
}

/// Without a list of columns COPY leaves computed columns out, and a query would not.
#[tokio::test]
async fn columns_computed_from_others_stay_out_of_a_masked_copy() {
    let Some(shop) = Shop::usual().await else { return };
    let table =
        "CREATE TABLE contacts (id int, email text, twice int GENERATED ALWAYS AS (id * 2) STORED);
                 INSERT INTO contacts (id, email) VALUES (21, 'canary21@leak.example')";
    shop.inspector().await.batch_execute(table).await.unwrap();
    let labels = r#"{"jurat": {"catalog": {"public.contacts.email": ["pii.email"]}}}"#;
    let before = shop.records().system("policy_loaded").len();
    shop.jurat.home.write("policy/data.json", labels);
    shop.jurat.reload();
    crate::harness::until("the labels to be loaded", || {
        (shop.records().system("policy_loaded").len() > before).then_some(())
    });
    let reply = shop.wire("ana").await.run("COPY contacts TO STDOUT").await;
    let line = String::from_utf8(reply.copied()).unwrap();
    let values: Vec<&str> = line.trim_end().split('\t').collect();
    assert_eq!((values.len(), values[0]), (2, "21"), "{line}");
    assert_eq!(canary::find(line.as_bytes()), None);
    shop.close().await;
}

#[tokio::test]
async fn rows_go_in_in_every_format_and_protocol() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    let binary = direct.run("COPY (SELECT 7, 'binary') TO STDOUT (FORMAT binary)").await.copied();
    let ways: [(&str, &[u8]); 5] = [
        ("COPY notes FROM STDIN", b"1\ttext\n2\t\\N\n"),
        ("COPY notes (body) FROM STDIN WITH (FORMAT csv, HEADER)", b"body\n\"a, \"\"b\"\"\"\n"),
        ("COPY notes FROM STDIN (FORMAT binary)", &binary),
        ("COPY notes (id, body) FROM STDIN CSV WHERE id > 10", b"5,small\n15,large\n"),
        ("COPY notes FROM STDIN", b""),
    ];
    for (text, data) in ways {
        for extended in [false, true] {
            let mut heard = Vec::new();
            for session in [&mut direct, &mut wire] {
                if extended {
                    // As libpq does: a Sync goes out with Execute, and one more behind the rows.
                    session.parse("", text).bind("", "").describe_portal("").execute("").sync();
                } else {
                    session.query(text);
                }
                let begun = session.answer_until(b'G').await;
                // In pieces that end where no row does, with a Flush and a Sync among them.
                for piece in data.chunks(3) {
                    session.copy_data(piece).raw(b'H', b"").sync();
                }
                session.copy_done();
                if extended {
                    session.sync();
                }
                heard.push((begun.tags(), seen(&session.answer().await)));
                assert_eq!(session.run("SELECT 1").await.tags(), "T D C ZI", "{text}");
                session.run("DELETE FROM notes WHERE id IN (1, 2, 7)").await;
            }
            assert_eq!(heard[0], heard[1], "{text}");
        }
    }
    let kept = "SELECT string_agg(notes::text, ' ' ORDER BY id, body) FROM notes";
    let twin: Option<String> = shop.direct().await.query_one(kept, &[]).await.unwrap().get(0);
    let behind: Option<String> = shop.inspector().await.query_one(kept, &[]).await.unwrap().get(0);
    assert!(twin.as_ref().is_some_and(|kept| kept.contains("large")), "{twin:?}");
    assert_eq!(twin, behind);
    let records = shop.close().await;
    let decision = records.decision_on("HEADER");
    let statement = &decision["input"]["statement"];
    assert_eq!((&statement["kind"], &statement["class"]), (&"copy".into(), &"write".into()));
    assert_eq!(statement["relations"][0]["access"], "write");
    assert_eq!(records.outcome(&decision).unwrap()["rows"], 1);
}

/// Everything in one write: a client that knows what it wants need not wait for the answers.
#[tokio::test]
async fn what_is_sent_ahead_is_understood_as_the_database_understands_it() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    let into = "COPY notes (body) FROM STDIN";
    let scripts: &[(&str, Script<'_>)] = &[
        ("simple", &|w| {
            w.query(into).copy_data(b"a\n").copy_done().query("SELECT 1");
        }),
        ("several in one message", &|w| {
            w.query(&format!("{into}; SELECT 2; {into}"));
            w.copy_data(b"a\n").copy_done().copy_data(b"b\nc\n").copy_done().query("SELECT 1");
        }),
        ("given up", &|w| {
            w.query(into).copy_data(b"a\n").copy_fail().query("SELECT 1");
        }),
        ("given up, and a statement behind it in the message", &|w| {
            w.query(&format!("{into}; SELECT 2")).copy_fail().query("SELECT 1");
        }),
        ("rows that are wrong", &|w| {
            w.query("COPY numbers FROM STDIN").copy_data(b"x\n").copy_data(b"y\n").copy_done();
            w.query("SELECT 1");
        }),
        ("rejected: a query among the rows runs", &|w| {
            w.query("COPY notes FROM STDIN (FORMAT frobnicate)");
            w.copy_data(b"1\n").query("SELECT 1").copy_done();
        }),
        ("extended", &|w| {
            w.parse("", into).bind("", "").execute("").copy_data(b"a\n").copy_done().sync();
            w.query("SELECT 1");
        }),
        ("extended, given up: the server skips to Sync", &|w| {
            w.parse("", into).bind("", "").execute("").copy_fail().query("SELECT 3").sync();
            w.query("SELECT 1");
        }),
        ("extended, wrong rows", &|w| {
            w.parse("", "COPY numbers FROM STDIN").bind("", "").execute("");
            w.copy_data(b"x\n").copy_done().parse("", "SELECT 3").sync().query("SELECT 1");
        }),
        ("extended, behind other statements of the pipeline", &|w| {
            w.parse("", "SELECT 2").bind("", "").execute("");
            w.parse("", into).bind("", "").execute("").copy_data(b"a\n").copy_done();
            w.parse("", "SELECT 4").bind("", "").execute("").sync().query("SELECT 1");
        }),
        ("no COPY at all", &|w| {
            w.copy_data(b"a\n").copy_fail().copy_done().query("SELECT 1");
        }),
    ];
    for (what, script) in scripts {
        let mut heard = Vec::new();
        for session in [&mut direct, &mut wire] {
            script(session);
            session.send().await;
            let mut replies = Vec::new();
            // The last answer is always that of `SELECT 1`.
            loop {
                let reply = session.reply().await;
                let last = reply.tags() == "T D C ZI" && reply.value() == "1";
                replies.push(seen(&reply));
                if last {
                    break;
                }
                assert!(replies.len() < 5, "{what}: {replies:?}");
            }
            heard.push(replies);
        }
        assert_eq!(heard[0], heard[1], "{what}");
    }
    let twin: i64 =
        shop.direct().await.query_one("SELECT count(*) FROM notes", &[]).await.unwrap().get(0);
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, twin);
    shop.close().await;
}

/// PROT-20: a query among the rows of a COPY that was rejected is a query, and is judged as one.
#[tokio::test]
async fn what_follows_a_failed_copy_is_judged() {
    let Some(shop) = Shop::usual().await else { return };
    let leak = "SELECT email FROM customers";
    for text in [
        "COPY nowhere FROM STDIN",
        "COPY notes FROM STDIN (FORMAT frobnicate)",
        "DROP TABLE orders",
    ] {
        let mut direct = shop.direct_wire().await;
        if text.starts_with("COPY") {
            direct.query(text).copy_data(b"1\n").query(leak).copy_done().send().await;
            assert_eq!(direct.reply().await.tags(), "E ZI", "{text}");
            assert_eq!(direct.reply().await.tags(), "T D C ZI", "{text}");
            assert!(canary::find(&direct.received).is_some());
        }
        let mut wire = shop.wire("ana").await;
        wire.query(text).copy_data(b"1\n").query(leak).copy_done().query("DROP TABLE payments");
        wire.send().await;
        assert_eq!(wire.reply().await.tags(), "E ZI", "{text}");
        assert_eq!(wire.reply().await.tags(), "T D C ZI", "{text}");
        assert_eq!(wire.reply().await.sqlstate(), "42501", "{text}");
        assert_eq!(canary::find(&wire.received), None, "{text}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_denied_copy_is_answered_once_and_its_rows_are_dropped() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("bot").await;
    let into = "COPY notes (body) FROM STDIN";
    // Longer than what is kept of one message, so that it passes in pieces.
    let long = [&vec![b'x'; 300_000][..], b"\n"].concat();
    wire.query(into).copy_data(b"a\n").copy_data(&long).copy_done().query("SELECT 1");
    assert_eq!(wire.answer().await.tags(), "E ZI");
    assert_eq!(wire.reply().await.value(), "1");
    wire.parse("", into).bind("", "").execute("").copy_data(&long).copy_done().sync();
    assert_eq!(wire.answer().await.tags(), "E ZI");
    wire.run("BEGIN").await;
    wire.query(into).copy_data(&long).copy_fail();
    assert_eq!(wire.answer().await.tags(), "E ZE");
    assert_eq!(wire.run("ROLLBACK").await.tags(), "C ZI");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    assert_eq!(shop.close().await.denials().len(), 3);
}

/// PROT-21: among the rows the database takes nothing but their end; anything else ends the session.
#[tokio::test]
async fn a_query_among_the_rows_ends_the_session_and_keeps_nothing() {
    let Some(shop) = Shop::usual().await else { return };
    let others: &[(&str, Script<'_>)] = &[
        ("Query", &|w| {
            w.query("SELECT email FROM customers");
        }),
        ("Parse", &|w| {
            w.parse("", "SELECT 1");
        }),
        ("Bind", &|w| {
            w.bind("", "");
        }),
        ("Execute", &|w| {
            w.execute("");
        }),
        ("FunctionCall", &|w| {
            w.raw(b'F', &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        }),
        ("Terminate", &|w| {
            w.raw(b'X', b"");
        }),
    ];
    for (what, other) in others {
        for through in [false, true] {
            let mut wire =
                if through { shop.wire("shopd").await } else { shop.direct_wire().await };
            wire.query("COPY notes (body) FROM STDIN");
            assert_eq!(wire.answer_until(b'G').await.tags(), "G", "{what}");
            wire.copy_data(b"a\n");
            other(&mut wire);
            let reply = wire.copy_done().answer().await;
            assert!(
                !reply.tags().contains('Z') && !reply.tags().contains('C'),
                "{what}: {reply:?}"
            );
            if through && *what != "Terminate" {
                let error = reply.error().unwrap();
                assert_eq!((error.severity(), error.code()), ("FATAL", "08P01"), "{what}");
            }
            assert_eq!(canary::find(&wire.received), None, "{what}");
        }
    }
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn a_client_that_leaves_among_its_rows_keeps_none_of_them() {
    let Some(shop) = Shop::usual().await else { return };
    for unfinished in [false, true] {
        let mut wire = shop.wire("shopd").await;
        wire.query("COPY notes (body) FROM STDIN");
        wire.answer_until(b'G').await;
        wire.copy_data(b"a\n");
        if unfinished {
            // The beginning of a message of a megabyte.
            wire.bytes(b"d\0\x10\0\0").bytes(&vec![b'y'; 100_000]);
        }
        wire.send().await;
        wire.hang_up();
        crate::harness::until("the session to end", || {
            let ends = shop.records().sessions("closed").len();
            (ends == usize::from(unfinished) + 1).then_some(())
        });
    }
    let running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()";
    while shop.count(running).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    let records = shop.close().await;
    let decision = records.decision_on("COPY");
    assert_eq!(records.outcome(&decision).unwrap()["outcome"], "unknown");
}

/// Neither direction keeps a message whole: each is many times longer than the longest that may be kept.
#[tokio::test]
async fn long_data_passes_in_pieces() {
    let limits = "message_bytes_max = 100000\nupstream_message_bytes_max = 100000";
    let Some(shop) = Shop::open(Setup { limits, ..Setup::default() }).await else { return };
    let mut wire = shop.wire("shopd").await;
    const LONG: usize = 8 << 20;
    let row = [&vec![b'z'; LONG][..], b"\n"].concat();
    wire.query("COPY notes (body) FROM STDIN").copy_data(&row).copy_data(b"short\n").copy_done();
    assert_eq!(seen(&wire.answer().await).2, [b"COPY 2\0"]);
    let reply = wire.run("COPY notes (body) TO STDOUT").await;
    assert_eq!(reply.copied().len(), row.len() + "short\n".len());
    assert_eq!(reply.tags(), "H d c C ZI");
    assert_eq!(shop.count("SELECT sum(length(body)) FROM notes").await, 8 * 1024 * 1024 + 5);
    shop.close().await;
}

#[tokio::test]
async fn an_opaque_copy_that_a_policy_lets_through_is_carried() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"all\"} if true";
    let setup = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("ana").await;
    // Not read: the option has a word that is not known.
    let text = "COPY notes (body) FROM STDIN (FORMAT csv, CONVERT_SELECTIVELY (body))";
    for extended in [false, true] {
        if extended {
            wire.parse("", text).bind("", "").execute("");
        } else {
            wire.query(text);
        }
        wire.copy_data(b"a\n").copy_done();
        if extended {
            wire.sync();
        }
        let reply = wire.answer().await;
        assert_eq!(reply.sqlstate(), "00000", "{reply:?}");
        assert!(reply.tags().ends_with("G C ZI"), "{}", reply.tags());
    }
    // And an opaque statement that asks for no rows holds up nothing.
    wire.parse("", "SELECT FROM ONLY notes").bind("", "").execute("");
    wire.parse("", "SELECT 1").bind("", "").execute("").sync();
    assert_eq!(wire.answer().await.tags(), "1 2 D C 1 2 D C ZI");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 2);
    let records = shop.close().await;
    assert_eq!(records.decision_on("CONVERT_SELECTIVELY")["input"]["statement"]["parsed"], false);
}

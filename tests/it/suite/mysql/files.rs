//! Promise: a file of the client fills a table where policy says so of that table, and in no other case is a client
//! asked for a file. Of one that is cut short nothing stays.

use jurat_wire::mysql::{capability::Status, command::CommandCode};
use serde_json::json;

use super::guard::{LIMIT, assert_refused};
use crate::harness::{
    MyShop, MyWire, Setup, canary,
    cluster::{PASSWORD as UPSTREAM_PASSWORD, UPSTREAM},
    jurat::PASSWORD,
    mariadb::Server,
    mysql_wire::WITH_FILES,
    rogue::{Conduct, Rogue},
    until,
};

const LOAD: &str = "LOAD DATA LOCAL INFILE 'notes.csv' INTO TABLE notes (body)";
const LABELS: &str =
    r#"{"shop.notes": ["files.from_client"], "shop.customers": ["files.from_client"]}"#;

fn labelled() -> Setup {
    Setup::mariadb().policy("jurat/catalog/data.json", LABELS)
}

/// A session whose client sends files when it is asked.
fn sends_files(shop: &MyShop) -> MyWire {
    MyWire::log_in_with(shop.jurat.port, "shopd", PASSWORD, Some("shop"), WITH_FILES).unwrap()
}

fn directly(shop: &MyShop) -> MyWire {
    let (port, password) = (shop.twin().port, UPSTREAM_PASSWORD);
    MyWire::log_in_with(port, UPSTREAM, password, Some("shop"), WITH_FILES).unwrap()
}

fn notes(shop: &MyShop) -> u64 {
    shop.count("SELECT COUNT(*) FROM shop.notes")
}

/// Texts, the pieces of a file, and how many rows the server says there were.
const FILES: &[(&str, &[&str], u64)] = &[
    (LOAD, &["a\nb\n"], 2),
    (LOAD, &[], 0),
    (LOAD, &["c", "\nd", "\n", "e"], 3),
    (
        "LOAD DATA LOCAL INFILE 'no''tes.csv' IGNORE INTO TABLE shop.notes CHARACTER SET utf8mb4 FIELDS \
         TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\"' LINES TERMINATED BY '\\r\\n' IGNORE 1 LINES (@skipped, body)",
        &["id;body\r\n", "1;\"f;g\"\r\n2;h\r\n"],
        2,
    ),
    ("LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE notes (id, body)", &["1\treplaced\n"], 2),
];

#[test]
fn a_file_fills_a_table_that_is_labelled_for_it() {
    let Some(shop) = MyShop::open(labelled()) else { return };
    let (mut direct, mut wire) = (directly(&shop), sends_files(&shop));
    for (text, pieces, rows) in FILES {
        assert_eq!(direct.load(text, pieces).unwrap().affected, *rows, "{text}");
        assert_eq!(wire.load(text, pieces).unwrap().affected, *rows, "{text}");
        assert_eq!(wire.one("SELECT @@autocommit").value(), "1");
    }
    let bodies = "SELECT id, body FROM shop.notes ORDER BY id";
    assert_eq!(shop.inspector().rows(bodies), shop.direct().rows(bodies));
    // Longer than any buffer, and in many packets.
    let long = format!("{}\n", "x".repeat(999)).repeat(1000);
    assert_eq!(wire.load(LOAD, &[long.as_str(); 10]).unwrap().affected, 10_000);
    assert_eq!(wire.load(LOAD, &["y\n"; 1000]).unwrap().affected, 1000);
    // Among others of a text, and as the command line client does it.
    let several = format!("INSERT INTO numbers VALUES (-1); {LOAD}; SELECT 'after'");
    assert_eq!(wire.load(&several, &["z\n"]).unwrap().affected, 1);
    let file = shop.jurat.home.path("lines.csv");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let text = format!("LOAD DATA LOCAL INFILE '{}' INTO TABLE notes (body)", file.display());
    let before = notes(&shop);
    let ran = shop.cli("shopd").with("--local-infile=1").run(&text);
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(notes(&shop), before + 2);
    drop(wire);
    let records = shop.close();
    let loaded = records.decision_on("LOAD DATA LOCAL");
    let statement = &loaded["input"]["statement"];
    assert_eq!(statement["kind"], "load_data_local");
    assert_eq!(statement["functions"][0]["class"], "file");
    assert_eq!(statement["relations"][0]["id"], "shop.notes");
    assert_eq!(statement["columns"][0]["id"], "shop.notes.body");
    assert_eq!(statement["columns"].as_array().unwrap().len(), 1);
    assert_eq!(records.outcome(&loaded).unwrap()["rows"], json!(2));
}

/// Where no policy says so of that very table, nobody is asked for anything.
#[test]
fn without_a_label_no_file_is_asked_for() {
    let Some(shop) = MyShop::open(labelled()) else { return };
    let (mut direct, mut wire) = (directly(&shop), sends_files(&shop));
    for (text, code) in [
        ("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE numbers (@n)", 1142),
        ("LOAD XML LOCAL INFILE '/etc/hostname' INTO TABLE numbers", 1142),
        ("LOAD DATA LOCAL INFILE 'x' INTO TABLE notes (body) SET body = (SELECT 1)", 1064),
    ] {
        direct.load(text, &["-7\n"]).unwrap();
        assert_eq!(wire.error(text).code, code, "{text}");
    }
    // The server's own file is another matter, whatever the label.
    assert_eq!(wire.error("LOAD DATA INFILE '/etc/hostname' INTO TABLE notes (body)").code, 1142);
    // A name could come to stand for something else.
    assert!(wire.prepare(LOAD).is_err());
    let held = format!("PREPARE p FROM '{}'", LOAD.replace('\'', "''"));
    wire.error(&held);
    // Whoever does not send files is refused by the server, as directly.
    let code = shop.direct_wire().error(LOAD).code;
    assert_eq!(shop.wire("shopd").error(LOAD).code, code);
    assert_eq!(notes(&shop), 0);
    assert_eq!(wire.one("SELECT 1").value(), "1");
    shop.close();
}

/// A server that asks for another file than the statement names, or once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_another_file_gets_none() {
    for (answer, asked) in [
        (&b"\x0c\0\0\x01\xfb/etc/passwd"[..], false),
        (b"\x0a\0\0\x01\xfbnotes.cs", false),
        (b"\x01\0\0\x01\xfb", false),
        (b"\x0a\0\0\x01\xfbnotes.csv\x0a\0\0\x02\xfbnotes.csv", true),
    ] {
        let Some(server) = Server::start() else { return };
        // What comes before the statement is answered as it should be.
        let answer = [b"\x07\0\0\x01\0\0\0\0\0\0\0", answer].concat();
        let answers = Conduct::Answers { port: server.port, text: b"notes.csv", answer };
        let rogue = Rogue::new(answers).await;
        let setup = Setup { upstream_port: Some(rogue.port), ..labelled() };
        let shop = MyShop::in_front(server, setup);
        let mut wire = sends_files(&shop);
        assert_eq!(wire.one("SELECT 1").value(), "1");
        wire.forget();
        wire.command(CommandCode::Query, LOAD.as_bytes());
        wire.last_words();
        let received = String::from_utf8_lossy(&wire.received).into_owned();
        assert_eq!(received.contains("notes.csv"), asked, "{received}");
        assert!(!received.contains("passwd"), "{received}");
        shop.jurat.logged("\"end\":\"the database");
    }
}

/// A file that does not come to its end leaves nothing, and the session ends.
#[test]
fn of_half_a_file_nothing_stays() {
    let limits = "client_file_bytes_max = 2000\nclient_file_pause_max = \"1s\"";
    let Some(shop) = MyShop::open(Setup { limits, ..labelled() }) else { return };
    let lines = "half\n".repeat(100);
    let packet = |sequence: u8| {
        let mut out = Vec::new();
        let mut sequence = sequence;
        jurat_wire::mysql::encode::payload(&mut out, &mut sequence, lines.as_bytes());
        out
    };
    // Out of order; too long; no more; gone in the middle; gone in the middle of a packet.
    let stop = packet(2);
    let long: Vec<u8> = (2..8).flat_map(packet).collect();
    for (bytes, leaves, words) in [
        (packet(3), false, Some("out of order")),
        (long, false, Some("longer than it lets pass")),
        (stop.clone(), false, Some("did not go on in time")),
        (stop.clone(), true, None),
        (stop[..200].to_vec(), true, None),
    ] {
        let mut wire = sends_files(&shop);
        wire.asked(LOAD);
        wire.send(&bytes);
        if leaves {
            drop(wire);
        } else {
            let told = wire.last_words();
            if let (Some(told), Some(words)) = (told, words) {
                assert!(told.message.contains(words), "{told:?}");
            }
        }
        until("the end of the transaction", || {
            let open = shop.count("SELECT COUNT(*) FROM information_schema.innodb_trx");
            (open == 0).then_some(())
        });
        assert_eq!(notes(&shop), 0, "{words:?}");
    }
    // The other bound, exactly.
    let fits = "1234567\n".repeat(250);
    assert_eq!(sends_files(&shop).load(LOAD, &[&fits]).unwrap().affected, 250);
    shop.close();
}

/// An error of the server's comes once the file is over, and the session goes on.
#[test]
fn a_statement_that_is_ended_in_the_middle_leaves_the_session_in_order() {
    let Some(shop) = MyShop::open(labelled()) else { return };
    let mut wire = sends_files(&shop);
    for in_block in [false, true] {
        if in_block {
            wire.one("START TRANSACTION");
            wire.one("INSERT INTO notes (body) VALUES ('kept')");
        }
        wire.asked(LOAD);
        let running = "SELECT id FROM information_schema.processlist WHERE info LIKE 'LOAD DATA%'";
        let id = until("the statement", || shop.inspector().rows(running).pop());
        shop.inspector().run(&format!("KILL QUERY {}", id[0]));
        let error = wire.send_file(2, &["a\n", "b\n"]).unwrap_err();
        assert_eq!(error.code, 1317, "{error:?}");
        assert_eq!(wire.one("SELECT 1").value(), "1");
        if in_block {
            wire.one("COMMIT");
        }
        assert_eq!(notes(&shop), u64::from(in_block));
    }
    shop.close();
}

#[test]
fn the_rows_of_a_file_are_counted_before_they_are_committed() {
    let Some(shop) = MyShop::open(labelled().policy("limits.rego", LIMIT)) else { return };
    let mut wire = sends_files(&shop);
    assert_refused(&wire.load(LOAD, &[&"x\n".repeat(11)]).unwrap_err(), LOAD, 11);
    assert_eq!(notes(&shop), 0);
    assert_eq!(wire.load(LOAD, &[&"x\n".repeat(10)]).unwrap().affected, 10);
    wire.one("START TRANSACTION");
    wire.one("INSERT INTO notes (body) VALUES ('kept')");
    assert_refused(&wire.load(LOAD, &[&"x\n".repeat(11)]).unwrap_err(), LOAD, 11);
    let small = wire.load(LOAD, &["y\n"]).unwrap();
    assert_eq!((small.affected, small.status & Status::IN_TRANS.0), (1, 1));
    wire.one("COMMIT");
    assert_eq!(notes(&shop), 12);
    shop.close();
}

/// A statement may run so long; a client that sends nothing meanwhile is not waited for.
#[test]
fn a_file_that_takes_too_long_is_refused() {
    let limit = "package jurat.own\nlimits contains {\"id\": \"test.time\", \"kind\": \"timeout_ms\", \
                 \"value\": 200} if input.statement.kind == \"load_data_local\"\n";
    let setup = Setup { limits: "client_file_pause_max = \"1s\"", ..labelled() };
    let Some(shop) = MyShop::open(setup.policy("limits.rego", limit)) else { return };
    let mut wire = sends_files(&shop);
    wire.asked(LOAD);
    assert!(wire.last_words().is_some());
    assert_eq!(notes(&shop), 0);
    let mut wire = sends_files(&shop);
    assert_eq!(wire.load(LOAD, &["x\n"]).unwrap().affected, 1);
    shop.close();
}

/// Masked columns can be filled, as they can by INSERT, and what the server says of it is withheld.
#[test]
fn masked_columns_can_be_filled_and_not_read() {
    let Some(shop) = MyShop::open(labelled()) else { return };
    let mut wire = sends_files(&shop);
    let text = "LOAD DATA LOCAL INFILE 'c.csv' INTO TABLE customers (id, name, email, ssn, card)";
    let rows = "91\tnew\tnew@leak.example\t1\t2\n1\told\tcanary1@leak.example\t1\t2\n";
    let loaded = wire.load(text, &[rows]).unwrap();
    assert_eq!((loaded.affected, loaded.info.as_str()), (1, ""));
    assert_eq!(wire.one("SELECT email FROM customers WHERE id = 91").value(), "n***@leak.example");
    assert!(wire.one("SHOW WARNINGS").rows.is_empty());
    assert_eq!(canary::find(&wire.received), None);
    shop.close();
}

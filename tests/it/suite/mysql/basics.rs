//! Promise: what a policy allows works through Jurat as it does without it.

use jurat_wire::mysql::command::CommandCode;

use crate::harness::{MyShop, mysql_wire::MyResult, until};

#[test]
fn values_of_every_usual_type_come_back_as_they_do_directly() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    let text = "SELECT 1, -1, 18446744073709551615, 1.10, 1e3, 'a''b', \"c\\\\d\", NULL, TRUE, x'00ff', \
                DATE '2026-02-28', TIMESTAMP '2026-02-28 12:00:00.5', TIME '-01:02:03', CONCAT('naïve —', '') AS text, \
                JSON_OBJECT('k', 1), b'101', CAST(7 AS UNSIGNED)";
    assert_eq!(session.one(text), direct.one(text), "in text form");
    let [ours, theirs] = [&mut session, &mut direct].map(|wire| {
        let statement = wire.prepare(text).unwrap();
        wire.execute(statement, &[]).unwrap()
    });
    assert_eq!(ours, theirs, "in binary form");
    assert_eq!(ours[0].rows[0].len(), 17);
    shop.close();
}

#[test]
fn many_rows_and_long_ones_pass_whole() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    for text in [
        "SELECT n FROM numbers ORDER BY n",
        // Rows that pass in pieces.
        "SELECT REPEAT('x', 100000) UNION ALL SELECT REPEAT('y', 5000000) UNION ALL SELECT 'z'",
    ] {
        let (ours, theirs) = (session.one(text), direct.one(text));
        assert!(ours == theirs, "{text}");
    }
    assert_eq!(session.one("SELECT COUNT(*) FROM numbers").value(), "200000");
    shop.close();
}

#[test]
fn transactions_are_the_clients() {
    const IN_TRANSACTION: u16 = 1;
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    assert_eq!(session.one("START TRANSACTION").status & IN_TRANSACTION, IN_TRANSACTION);
    assert_eq!(session.one("INSERT INTO notes (body) VALUES ('first')").affected, 1);
    assert_eq!(session.one("SAVEPOINT a").status & IN_TRANSACTION, IN_TRANSACTION);
    session.one("INSERT INTO notes (body) VALUES ('second')");
    session.one("ROLLBACK TO SAVEPOINT a");
    // A denial leaves the transaction open, as any error of the server does.
    assert_eq!(session.error("DELETE FROM payments").code, 1142);
    assert_eq!(session.one("COMMIT").status & IN_TRANSACTION, 0);
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 1);
    session.one("START TRANSACTION");
    session.one("DELETE FROM notes WHERE id > 0");
    session.one("ROLLBACK");
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 1);
    shop.close();
}

#[test]
fn counts_and_numbers_are_those_of_the_server() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    for text in [
        "INSERT INTO notes (body) VALUES ('a'), ('b')",
        "SELECT LAST_INSERT_ID(), ROW_COUNT()",
        "UPDATE notes SET body = 'a' WHERE id IN (1, 2)",
        "SELECT SQL_CALC_FOUND_ROWS id FROM orders LIMIT 1",
        "SELECT FOUND_ROWS()",
        "SELECT 1 / 0",
        "SHOW WARNINGS",
        "SELECT @@warning_count",
    ] {
        assert_eq!(session.query(text), direct.query(text), "{text}");
    }
    shop.close();
}

#[test]
fn errors_of_the_server_keep_their_numbers_and_words() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    for text in [
        "INSERT INTO numbers VALUES (1)",
        "INSERT INTO orders VALUES (1000, 999, 1, 'nobody')",
        "INSERT INTO orders (id) VALUES (1001)",
        "SELECT (SELECT id FROM orders)",
        "SELECT 1 FROM orders GROUP BY",
    ] {
        let (ours, theirs) = (session.error(text), direct.error(text));
        if text.ends_with("BY") {
            // Jurat cannot read it either, and says so under the same number.
            assert_eq!((ours.code, ours.sqlstate), (theirs.code, theirs.sqlstate), "{text}");
        } else {
            assert_eq!(ours, theirs, "{text}");
        }
    }
    assert_eq!(session.error("SELECT 1 FROM no_such_table").code, 1146);
    assert_eq!(session.error("SELECT no_such_column FROM orders").code, 1054);
    shop.close();
}

#[test]
fn the_commands_around_statements_work() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    session.simple(CommandCode::Ping, b"").unwrap();
    session.simple(CommandCode::InitDb, b"archive").unwrap();
    assert_eq!(session.one("SELECT DATABASE()").value(), "archive");
    session.simple(CommandCode::InitDb, b"shop").unwrap();
    assert_eq!(session.simple(CommandCode::InitDb, b"no_such").unwrap_err().code, 1049);
    assert_eq!(session.one("SELECT COUNT(*) FROM orders").value(), "100");
    // Begin anew: what was prepared and set is gone, and what Jurat pins is there.
    session.one("SET time_zone = '+07:00'");
    let statement = session.prepare("SELECT 1").unwrap();
    session.simple(CommandCode::ResetConnection, b"").unwrap();
    assert_eq!(session.execute(statement, &[]).unwrap_err().code, 1243);
    assert_eq!(session.one("SELECT @@time_zone").value(), "+00:00");
    assert_eq!(session.one("SELECT @@character_set_client").value(), "utf8mb4");
    shop.close();
}

/// `mysql_thread_id()` is what a client sends with KILL to stop what it runs.
#[test]
fn a_running_statement_is_stopped_over_another_connection() {
    const SLEEP: (&str, &str) = (
        "jurat/catalog/data.json",
        r#"{"sleep()": ["function.allowed"], "mysql.sleep()": ["function.allowed"]}"#,
    );
    let setup = crate::harness::Setup::mariadb().policy(SLEEP.0, SLEEP.1);
    let Some(shop) = MyShop::open(setup) else { return };
    let mut session = shop.wire("ana");
    let mut second = shop.wire("ana");
    let mut foreign = shop.wire("dora");
    session.command(CommandCode::Query, b"SELECT SLEEP(60)");
    until("the statement to run", || {
        let running =
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'";
        (shop.count(running) == 1).then_some(())
    });
    let number = session.connection;
    assert_eq!(foreign.error(&format!("KILL QUERY {number}")).code, 1094, "somebody else's");
    assert_eq!(foreign.error(&format!("KILL {}", number.wrapping_add(1))).code, 1094);
    second.one(&format!("KILL QUERY {number}"));
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    // MariaDB ends SLEEP early with 1, or with the error; either way it ended now.
    match session.reply(kind, false) {
        Ok(results) => assert_eq!(results[0].value(), "1"),
        Err(error) => assert_eq!(error.code, 1317),
    }
    assert_eq!(session.one("SELECT 1").value(), "1", "the session goes on");
    second.one(&format!("KILL {number}"));
    assert_eq!(session.last_words().map(|words| words.code), Some(1927));
    let records = shop.close();
    assert_eq!(records.sessions("cancel_requested").len(), 2);
    assert_eq!(records.sessions("cancel_refused").len(), 2);
}

/// Among other statements, and in a comment's company, the number is one of Jurat's as well: that of the server would
/// end anybody's.
#[test]
fn a_kill_among_other_statements_ends_nobody_elses_session() {
    let Some(shop) = MyShop::usual() else { return };
    let mut ana = shop.wire("ana");
    assert_eq!(ana.one("SELECT 1").value(), "1");
    let ids = "SELECT id FROM information_schema.processlist WHERE user = 'app'";
    let of_server = shop.inspector().rows(ids).remove(0).remove(0);
    let mut dora = shop.wire("dora");
    for text in [
        format!("SELECT 1; KILL {of_server}"),
        format!("KILL /* it */ {of_server}"),
        format!("PREPARE p FROM 'KILL {of_server}'"),
        format!("EXECUTE IMMEDIATE 'KILL {of_server}'"),
        format!("SELECT 1; KILL HARD {of_server}"),
    ] {
        // Of a text of several, the first is answered before.
        assert!(dora.query(&text).is_err(), "{text}");
        assert_eq!(ana.one("SELECT 2").value(), "2", "{text}");
    }
    assert!(dora.prepare(&format!("KILL {of_server}")).is_err());
    // Directly the server's number ends it.
    let own = shop.wire("dora");
    let results = dora.query(&format!("SELECT 1; KILL {}; SELECT 3", own.connection)).unwrap();
    assert_eq!(results[2].value(), "3");
    let mut own = own;
    assert_eq!(own.last_words().map(|words| words.code), Some(1927));
    let killed = shop.inspector().run(&format!("KILL {of_server}"));
    assert!(killed.status.success(), "{killed:?}");
    assert_eq!(ana.last_words().map(|words| words.code), Some(1053));
    shop.close();
}

#[test]
fn a_database_that_goes_away_is_told_and_recorded() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    session.one("SELECT 1");
    // The server's own number of the session, which the client need not know.
    let kill = "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user = 'app'";
    for line in shop.inspector().rows(kill) {
        shop.inspector().run(&line[0]);
    }
    assert_eq!(session.last_words().map(|words| words.code), Some(1053));
    let mut again = shop.wire("ana");
    assert_eq!(again.one("SELECT 2").value(), "2");
    shop.close();
}

#[test]
fn a_slow_client_holds_up_nobody_else() {
    let Some(shop) = MyShop::usual() else { return };
    let mut slow = shop.wire("ana");
    // A result of more than every buffer, which nobody reads.
    let text = "SELECT a.n, b.n FROM numbers a JOIN (SELECT n FROM numbers WHERE n < 50) b";
    slow.command(CommandCode::Query, text.as_bytes());
    let mut other = shop.wire("ana");
    for _ in 0..20 {
        let one: MyResult = other.one("SELECT 1");
        assert_eq!(one.value(), "1");
    }
    drop(slow);
    let records = shop.close();
    let outcome = records.outcome(&records.decision_on("JOIN"));
    assert_ne!(outcome.unwrap()["outcome"], "done");
}

//! Limits in transactions of the client's own, in texts of several statements, and with rows that a write returns.

use jurat_wire::mysql::capability::Status;

use super::{LIMIT, assert_refused, limited, run, state};
use crate::harness::{MyShop, Setup};

const MANY: &str = "UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 11";

/// As after any other error of the server's, the statement is undone and the transaction goes on.
#[test]
fn in_a_transaction_only_the_statement_is_taken_back() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let mut wire = shop.wire("shopd");
    for prepared in [false, true] {
        wire.one("START TRANSACTION");
        wire.one("INSERT INTO notes (body) VALUES ('kept')");
        let error = run(&mut wire, MANY, prepared).unwrap_err();
        assert_refused(&error, MANY, 11);
        let small = wire.one("UPDATE numbers SET n = -n WHERE n = 12");
        assert_eq!((small.affected, small.status & Status::IN_TRANS.0), (1, 1));
        assert_eq!(
            wire.one("SELECT COUNT(*) FROM numbers WHERE n BETWEEN -11 AND -1").value(),
            "0"
        );
        wire.one("COMMIT");
        wire.one("UPDATE numbers SET n = -n WHERE n = -12");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 2);
    // What the client does itself with savepoints is its own.
    wire.one("START TRANSACTION");
    wire.one("SAVEPOINT mine");
    wire.one("INSERT INTO notes (body) VALUES ('gone')");
    wire.one("ROLLBACK TO mine");
    wire.one("COMMIT");
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 2);
    shop.close();
}

#[test]
fn a_client_without_autocommit_keeps_its_transaction() {
    let policy =
        format!("{LIMIT}\nallow contains \"settings\" if input.statement.class == \"session\"\n");
    let Some(shop) = MyShop::open(Setup::mariadb().policy("limits.rego", policy)) else { return };
    let mut wire = shop.wire("shopd");
    wire.one("SET autocommit = 0");
    assert_refused(&wire.error(MANY), MANY, 11);
    let small = wire.one("INSERT INTO notes (body) VALUES ('x')");
    assert_eq!(small.status & Status::AUTOCOMMIT.0, 0);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 0);
    wire.one("ROLLBACK");
    wire.one("INSERT INTO notes (body) VALUES ('y')");
    wire.one("COMMIT");
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 1);
    wire.one("SET autocommit = 1");
    assert_refused(&wire.error(MANY), MANY, 11);
    let small = wire.one("INSERT INTO notes (body) VALUES ('z')");
    assert_eq!(small.status & 3, Status::AUTOCOMMIT.0);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 2);
    shop.close();
}

/// Each statement of a text is its own transaction, as the server has it.
#[test]
fn of_a_text_what_came_before_stays() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let mut wire = shop.wire("shopd");
    let text = format!(
        "INSERT INTO notes (body) VALUES ('first'); {MANY}; INSERT INTO notes (body) VALUES ('last')"
    );
    assert_refused(&wire.error(&text), &text, 11);
    assert_eq!(shop.inspector().rows("SELECT body FROM shop.notes"), [["first"]]);
    let results = wire.query(
        "DELETE FROM notes WHERE id > 0; SELECT 1; UPDATE orders SET note = 'x' WHERE id < 4",
    );
    let results = results.unwrap();
    assert_eq!((results[0].affected, results[1].value(), results[2].affected), (1, "1", 3));
    let text = format!("START TRANSACTION; INSERT INTO notes (body) VALUES ('second'); {MANY}");
    assert_refused(&wire.error(&text), &text, 11);
    wire.one("COMMIT");
    assert_eq!(shop.inspector().rows("SELECT body FROM shop.notes"), [["second"]]);
    shop.close();
}

/// The rows of RETURNING pass as they come, and the first one too many ends it.
#[test]
fn a_write_that_returns_rows_is_stopped_at_the_limit() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let before = state(&shop);
    let mut wire = shop.wire("shopd");
    for prepared in [false, true] {
        for text in [
            "DELETE FROM payments WHERE id > 0 RETURNING id",
            "INSERT INTO notes (body) SELECT 'x' FROM orders RETURNING id, body",
        ] {
            let error = run(&mut wire, text, prepared).unwrap_err();
            assert!(error.message.contains("would change 11 rows or more"), "{error:?}");
            assert_eq!(state(&shop), before, "{text}");
        }
    }
    let some = wire.one("DELETE FROM payments WHERE id <= 3 RETURNING id");
    assert_eq!((some.rows.len(), some.status & 3), (3, Status::AUTOCOMMIT.0));
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.payments"), 97);
    shop.close();
}

/// The client learns of an error which ended its transaction, and its next write is guarded all the same.
#[test]
fn after_a_deadlock_the_next_write_is_guarded() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let (mut one, mut other) = (shop.wire("shopd"), shop.wire("dora"));
    one.one("START TRANSACTION");
    other.one("START TRANSACTION");
    // The one that has changed less is the one that the server ends.
    one.one("UPDATE orders SET note = 'one' WHERE id = 1");
    other.one("UPDATE orders SET note = 'other' WHERE id BETWEEN 2 AND 60");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.one("UPDATE orders SET note = 'other' WHERE id = 1"));
        let waits =
            "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        crate::harness::until("the other to wait", || (shop.count(waits) == 1).then_some(()));
        let error = one.error("UPDATE orders SET note = 'one' WHERE id = 2");
        assert_eq!(error.code, 1213, "{error:?}");
        waiting.join().unwrap();
    });
    assert_refused(&one.error(MANY), MANY, 11);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.numbers WHERE n < 0"), 0);
    one.one("INSERT INTO notes (body) VALUES ('x')");
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 1);
    other.one("ROLLBACK");
    shop.close();
}

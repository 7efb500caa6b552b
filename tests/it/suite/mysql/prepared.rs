//! Promise: prepared statements work as they do directly, and each run is judged and recorded.

use jurat_wire::mysql::command::CommandCode;

use crate::harness::{MyShop, Setup, canary};

#[test]
fn each_run_is_recorded_and_prepared_once() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("SELECT note FROM orders WHERE id = ?").unwrap();
    assert_eq!(statement.parameters, 1);
    for id in 1..=5 {
        let result = session.execute(statement, &[Some(&id.to_string())]).unwrap();
        assert_eq!(result[0].value(), format!("order {id}"));
    }
    let runs = shop.close().decisions();
    let of_orders = |run: &&serde_json::Value| {
        run["input"]["statement"]["text"].as_str().unwrap().contains("orders")
    };
    assert_eq!(runs.iter().filter(of_orders).count(), 5);
}

#[test]
fn parameters_are_never_text() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("SELECT ? AS v, COUNT(*) FROM orders WHERE note = ?").unwrap();
    let attack = "x' OR 1=1; DROP TABLE orders -- ";
    let result = session.execute(statement, &[Some(attack), Some(attack)]).unwrap();
    assert_eq!(result[0].rows[0][0].as_deref(), Some(attack));
    assert_eq!(result[0].rows[0][1].as_deref(), Some("0"));
    let nothing = session.execute(statement, &[None, None]).unwrap();
    assert_eq!(nothing[0].rows[0][0], None);
    shop.close();
}

#[test]
fn a_denied_statement_is_not_prepared() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    assert_eq!(session.prepare("DELETE FROM payments").unwrap_err().code, 1142);
    assert_eq!(session.prepare("SELECT 1; SELECT 2").unwrap_err().code, 1064);
    assert_eq!(session.prepare("").unwrap_err().code, 1065);
    let denials = shop.close().denials();
    assert_eq!(denials.len(), 2);
}

#[test]
fn masked_columns_are_masked_in_both_forms_of_rows() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    let text = "SELECT id, email, ssn FROM customers WHERE id = ?";
    let statement = direct.prepare(text).unwrap();
    assert!(
        canary::find(format!("{:?}", direct.execute(statement, &[Some("7")])).as_bytes()).is_some()
    );
    let statement = session.prepare(text).unwrap();
    let row = session.execute(statement, &[Some("7")]).unwrap()[0].rows[0].clone();
    assert_eq!(row[1].as_deref(), Some("c***@leak.example"));
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn pieces_of_long_parameters_arrive() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("INSERT INTO notes (body) VALUES (?)").unwrap();
    let long = |parameter: u16, piece: &[u8]| {
        let mut body = statement.number.to_le_bytes().to_vec();
        body.extend_from_slice(&parameter.to_le_bytes());
        body.extend_from_slice(piece);
        body
    };
    for piece in [b"first ".as_slice(), b"second"] {
        session.command(CommandCode::StmtSendLongData, &long(0, piece));
    }
    // The value of a parameter that was sent in pieces is left out.
    let mut body = statement.number.to_le_bytes().to_vec();
    body.extend_from_slice(&[0, 1, 0, 0, 0, 0, 1, 0xfc, 0]);
    session.command(CommandCode::StmtExecute, &body);
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    assert_eq!(session.reply(kind, true).unwrap()[0].affected, 1);
    assert_eq!(shop.inspector().rows("SELECT body FROM notes")[0][0], "first second");
    // A piece for a parameter that is not there is told at the next execution, and the statement lives on.
    session.command(CommandCode::StmtSendLongData, &long(7, b"x"));
    assert_eq!(session.execute(statement, &[Some("y")]).unwrap_err().code, 1210);
    assert_eq!(session.execute(statement, &[Some("z")]).unwrap()[0].affected, 1);
    shop.close();
}

#[test]
fn rows_of_a_cursor_are_masked_and_counted() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("SELECT id, email FROM customers ORDER BY id").unwrap();
    session.open_cursor(statement, &[]).unwrap();
    let (mut rows, mut last) = (0, false);
    while !last {
        let (count, end) = session.fetch(statement, 8).unwrap();
        (rows, last) = (rows + count, end);
    }
    assert_eq!(rows, 20);
    assert_eq!(session.fetch(statement, 1).unwrap_err().code, 1421);
    assert_eq!(canary::find(&session.received), None);
    // Closed before its end.
    session.open_cursor(statement, &[]).unwrap();
    session.fetch(statement, 3).unwrap();
    session.simple(CommandCode::StmtReset, &statement.number.to_le_bytes()).unwrap();
    let records = shop.close();
    let outcomes: Vec<_> = records
        .decisions()
        .iter()
        .filter(|run| run["input"]["statement"]["text"].as_str().unwrap().contains("customers"))
        .map(|run| records.outcome(run).unwrap()["rows"].as_u64().unwrap())
        .collect();
    assert_eq!(outcomes, [20, 3]);
}

/// Texts stay in the memory of Jurat, so a session may keep so many and no more.
#[test]
fn a_session_keeps_no_more_statements_than_configured() {
    let limits = "prepared_max = 3\nprepared_bytes_max = 20000";
    let Some(shop) = MyShop::open(Setup { limits, ..Setup::mariadb() }) else { return };
    let mut session = shop.wire("ana");
    let kept: Vec<_> = (0..3).map(|_| session.prepare("SELECT 1").unwrap()).collect();
    let refused = session.prepare("SELECT 1").unwrap_err();
    assert_eq!((refused.code, refused.sqlstate.as_str()), (1461, "42000"), "{refused:?}");
    for statement in &kept {
        session.command(CommandCode::StmtClose, &statement.number.to_le_bytes());
    }
    let long = format!("SELECT '{}'", "x".repeat(15_000));
    let first = session.prepare(&long).unwrap();
    assert_eq!(session.prepare(&long).unwrap_err().code, 1461);
    assert_eq!(session.execute(first, &[]).unwrap()[0].value().len(), 15_000);
    shop.close();
}

#[test]
fn a_number_that_was_closed_or_never_given_is_unknown() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("SELECT 1").unwrap();
    session.command(CommandCode::StmtClose, &statement.number.to_le_bytes());
    assert_eq!(session.execute(statement, &[]).unwrap_err().code, 1243);
    for number in [0, 4711, u32::MAX] {
        let unknown = crate::harness::mysql_wire::MyStatement { number, parameters: 0 };
        assert_eq!(session.execute(unknown, &[]).unwrap_err().code, 1243, "{number}");
    }
    assert_eq!(session.one("SELECT 1").value(), "1");
    shop.close();
}

//! SQL about Jurat in the extended protocol, which is all that most drivers speak.

use super::{UPDATE, approve, ask, events, id_in, setup};
use crate::harness::{Shop, Wire, wire::Reply};

const WHO: &str = "SHOW jurat.whoami";

/// Bind with values in a format: text (0) or binary (1).
fn bind<'w>(
    wire: &'w mut Wire,
    statement: &str,
    format: u8,
    values: &[Option<&str>],
) -> &'w mut Wire {
    let count = u16::try_from(values.len()).unwrap().to_be_bytes();
    let mut body = [b"\0", statement.as_bytes(), &[0, 0, 1, 0, format], &count].concat();
    for value in values {
        match value {
            None => body.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                body.extend_from_slice(&i32::try_from(value.len()).unwrap().to_be_bytes());
                body.extend_from_slice(value.as_bytes());
            }
        }
    }
    body.extend_from_slice(&[0, 0]);
    wire.raw(b'B', &body)
}

/// A text with its values as a driver sends them.
async fn call(wire: &mut Wire, text: &str, format: u8, values: &[Option<&str>]) -> Reply {
    wire.parse("", text);
    bind(wire, "", format, values).describe_portal("").execute("").sync();
    wire.answer().await
}

#[tokio::test]
async fn it_is_answered_as_any_statement_is() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let simple = bot.run(WHO).await.value();
    for format in [0, 1] {
        let reply = bot.run_extended(WHO, format).await;
        assert_eq!((reply.tags().as_str(), reply.tag().as_str()), ("1 2 T D C ZI", "SHOW"));
        assert_eq!(reply.value(), simple);
        let described = reply.0.iter().find(|message| message.tag == b'T').unwrap();
        assert_eq!(described.body.last(), Some(&format), "the format that was asked for");
    }
    // Prepared under a name, described before it is bound, and run again.
    bot.parse("who", WHO).describe_statement("who").sync();
    let reply = bot.answer().await;
    assert_eq!(reply.tags(), "1 t T ZI");
    for _ in 0..2 {
        bot.bind("", "who").execute("").sync();
        assert_eq!(bot.answer().await.value(), simple);
    }
    bot.close_statement("who").bind("", "who").sync();
    let reply = bot.answer().await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("3 E ZI", "26000"));
    // What is refused is an error as any other, and the session goes on.
    let unknown = bot.run_extended("CALL jurat.show_approval('AP-00000000')", 0).await;
    assert_eq!(unknown.sqlstate(), "42704");
    assert_eq!(bot.run_extended("SELECT 1", 0).await.value(), "1");
    shop.close().await;
}

#[tokio::test]
async fn a_request_is_explained_and_answered_with_parameters() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = id_in(&bot.run_extended(UPDATE, 0).await);
    let last = bot.run_extended("SHOW jurat.last_decision", 1).await.value();
    assert!(last.contains(&id), "{last}");
    let (id, why) = (Some(id.as_str()), Some("it's \"due\""));
    let explain = "CALL jurat.request_approval($1, $2::VARCHAR)";
    for format in [0, 1] {
        let reply = call(&mut bot, explain, format, &[id, why]).await;
        assert_eq!((reply.tags().as_str(), reply.tag().as_str()), ("1 2 n N C ZI", "CALL"));
    }
    bot.parse("", explain).describe_statement("").sync();
    let reply = bot.answer().await;
    let types = &reply.0.iter().find(|message| message.tag == b't').unwrap().body;
    assert_eq!(types.as_slice(), [0, 2, 0, 0, 0, 25, 0, 0, 0, 25]);
    let mut dora = shop.wire("dora").await;
    let card = call(&mut dora, "CALL jurat.show_approval($1)", 1, &[id]).await;
    assert!(format!("{:?}", card.rows()).contains("due"), "{card:?}");
    for (values, code) in [(&[None][..], "0A000"), (&[], "08P01"), (&[id, id], "08P01")] {
        assert_eq!(call(&mut dora, "CALL jurat.approve($1)", 0, values).await.sqlstate(), code);
    }
    assert_eq!(events(&shop, id.unwrap()), "requested");
    let reply = call(&mut dora, "CALL jurat.approve($1)", 0, &[id]).await;
    assert_eq!((reply.tag().as_str(), reply.sqlstate().as_str()), ("CALL", "00000"));
    assert_eq!(bot.run_extended(UPDATE, 0).await.tag(), "UPDATE 1");
    shop.close().await;
}

/// The replies of a pipeline come in its order, whoever gives them.
#[tokio::test]
async fn in_a_pipeline_each_answer_has_its_place() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    bot.parse("", "SELECT 1").bind("", "").execute("");
    bot.parse("", WHO).bind("", "").describe_portal("").execute("");
    bot.parse("", "SELECT 2").bind("", "").execute("").sync();
    bot.parse("", WHO).bind("", "").execute("").sync();
    bot.query(WHO).query("SELECT 3");
    let reply = bot.answer().await;
    assert_eq!(reply.tags(), "1 2 D C 1 2 T D C 1 2 D C ZI");
    let rows: Vec<_> = reply.rows().into_iter().map(|row| row[0].clone().unwrap()).collect();
    assert!(rows[0] == "1" && rows[1].contains("\"bot\"") && rows[2] == "2", "{rows:?}");
    assert_eq!(bot.reply().await.tags(), "1 2 D C ZI");
    assert!(bot.reply().await.value().contains("\"bot\""));
    assert_eq!(bot.reply().await.value(), "3");
    // Rows in portions, as of any portal.
    for n in 1..=3 {
        ask(&mut bot, &format!("UPDATE orders SET note = 'changed' WHERE id = {n}")).await;
    }
    bot.parse("", "SHOW jurat.approvals").bind("p", "");
    bot.execute_some("p", 2).execute_some("p", 2).execute("p").sync();
    assert_eq!(bot.answer().await.tags(), "1 2 D s D C C ZI");
    bot.bind("", "").execute("p").sync();
    assert_eq!(bot.answer().await.sqlstate(), "34000", "a portal ends with its transaction");
    shop.close().await;
}

/// APPR-07: behind something that fails, and behind a text that is something else, nothing is answered.
#[tokio::test]
async fn appr_07_what_comes_before_has_to_hold() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let id = ask(&mut shop.wire("bot").await, UPDATE).await;
    let mut dora = shop.wire("dora").await;
    let approve = format!("CALL jurat.approve('{id}')");
    for before in ["SELECT 1 / (SELECT 0)", "SELECT * FROM nowhere", "SHOW jurat.nothing"] {
        dora.parse("", before).bind("", "").execute("");
        dora.parse("", &approve).bind("", "").execute("").sync();
        let reply = dora.answer().await;
        assert!(reply.error().is_some() && reply.0.iter().all(|m| m.tag != b'N'), "{reply:?}");
    }
    for text in [
        format!("SELECT 1; {approve}"),
        format!("{approve}; SELECT 1"),
        format!("/* */ {approve}"),
        format!("EXPLAIN {approve}"),
        format!("PREPARE p AS {approve}"),
    ] {
        assert!(dora.run_extended(&text, 0).await.error().is_some(), "{text}");
    }
    assert_eq!(events(&shop, &id), "requested");
    shop.close().await;
}

/// It is where a client needs it most: behind a refusal that has failed its transaction.
#[tokio::test]
async fn a_transaction_that_has_failed_can_be_asked_why() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    assert_eq!(bot.run_extended("BEGIN", 0).await.tag(), "BEGIN");
    let id = id_in(&bot.run_extended(UPDATE, 0).await);
    assert_eq!(bot.run_extended("SELECT 1", 0).await.sqlstate(), "25P02");
    assert!(bot.run_extended("SHOW jurat.last_decision", 0).await.value().contains(&id));
    assert_eq!(bot.run_extended("ROLLBACK", 0).await.tag(), "ROLLBACK");
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "00000");
    assert_eq!(bot.run_extended(UPDATE, 0).await.tag(), "UPDATE 1");
    shop.close().await;
}

/// Its names are those of the session: one name stands for one thing, whoever keeps it.
#[tokio::test]
async fn names_are_kept_apart_from_those_of_the_database() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    bot.parse("s", "SELECT 1").parse("own", WHO).sync();
    assert_eq!(bot.answer().await.tags(), "1 1 ZI");
    for (name, text) in [("s", WHO), ("own", WHO), ("own", "SELECT 1")] {
        bot.parse(name, text).sync();
        let reply = bot.answer().await;
        assert!(reply.error().unwrap().message().contains("already exists"), "{name}: {reply:?}");
    }
    // Without a name the last one counts, in either direction.
    bot.parse("", WHO).parse("", "SELECT 2").bind("", "").execute("");
    bot.parse("", "SELECT 2").parse("", WHO).bind("", "").execute("").sync();
    let rows = bot.answer().await.rows();
    assert!(rows[0][0].as_deref() == Some("2") && rows[1][0].as_deref().unwrap().contains("bot"));
    assert_eq!(bot.run("SELECT 3").await.value(), "3");
    bot.bind("", "").sync();
    assert_eq!(bot.answer().await.sqlstate(), "26000", "a query has taken the unnamed one away");
    // Drivers deallocate what they no longer need, with SQL too.
    for (text, extended) in [("DEALLOCATE own", false), ("deallocate prepare \"own\"", true)] {
        let reply = match extended {
            false => bot.run(text).await,
            true => bot.run_extended(text, 0).await,
        };
        assert_eq!((reply.tag().as_str(), reply.sqlstate().as_str()), ("DEALLOCATE", "00000"));
        assert_eq!(bot.run(text).await.sqlstate(), "26000");
        bot.parse("own", WHO).sync();
        assert_eq!(bot.answer().await.tags(), "1 ZI", "{text}");
    }
    for all in ["DEALLOCATE ALL", "DISCARD ALL"] {
        assert_eq!(bot.run(all).await.sqlstate(), "00000");
        bot.parse("own", WHO).bind("", "own").execute("").sync();
        assert_eq!(bot.answer().await.tags(), "1 2 D C ZI", "{all}");
    }
    shop.close().await;
}

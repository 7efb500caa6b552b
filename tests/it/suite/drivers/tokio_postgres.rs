//! tokio-postgres, in this process: the driver that the other tests of the suite use without saying so.

use std::{future::poll_fn, pin::pin, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{
    FutureExt as _, SinkExt as _, StreamExt as _, TryStreamExt as _, future::join_all,
};
use tokio_postgres::{
    AsyncMessage, Client, Error, SimpleQueryMessage,
    binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream},
    types::{ToSql, Type},
};
use uuid::Uuid;

use super::{Cases, DENIED, Place, SLEEPING, Setup, Told, in_process, locked, mask_word};
use crate::harness::{
    client::{Tls, config, connect_tls},
    in_time, sqlstate,
};

const CASES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "transactions",
        "pipelining",
        "copy_in_and_out",
        "portals_and_streams",
        "cancel",
        "notifications",
        "errors_keep_their_class",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_in_a_pipeline",
        "masked_column",
    ],
};

#[tokio::test]
async fn tokio_postgres_works() {
    in_process(
        "tokio-postgres",
        &locked("tokio-postgres"),
        Setup::default(),
        &CASES,
        async |place| {
            let mut told = Told::default();
            told.case("tls_verifies_the_certificate", tls(place).await);
            told.case("types_in_text", types_in_text(place).await);
            told.case("types_in_binary", types_in_binary(place).await);
            told.case("prepared_statements", prepared_statements(place).await);
            told.case("transactions", transactions(place).await);
            told.case("pipelining", pipelining(place).await);
            told.case("copy_in_and_out", copy_in_and_out(place).await);
            told.case("portals_and_streams", portals_and_streams(place).await);
            told.case("cancel", cancel(place).await);
            told.case("notifications", notifications(place).await);
            told.case("errors_keep_their_class", errors_keep_their_class(place).await);
            told.case("denial_when_idle", denial_when_idle(place).await);
            told.case("denial_in_a_transaction", denial_in_a_transaction(place).await);
            told.case("denial_in_a_pipeline", denial_in_a_pipeline(place).await);
            told.case("masked_column", masked_column(place).await);
            told
        },
    )
    .await;
}

async fn connect(place: &Place) -> Client {
    let config = config(place.port, place.user, place.password, &place.database);
    connect_tls(&config, &place.certificate()).await.unwrap()
}

async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

const NOTES: &str = "SELECT count(*) FROM notes";

fn assert_refusal(error: &Error) {
    assert_eq!(sqlstate(error), "42501");
    let told = error.as_db_error().unwrap();
    assert!(told.message().contains("jurat denied DELETE on public.payments"), "{told:?}");
    assert!(told.detail().unwrap().starts_with("{\"decision\":\"deny\""), "{told:?}");
    assert!(told.hint().is_some());
}

async fn tls(place: &Place) -> &'static str {
    assert_eq!(number(&connect(place).await, "SELECT 1::int8").await, 1);
    let config = config(place.port, place.user, place.password, &place.database);
    let error = connect_tls(&config, &place.foreign_certificate()).await.err().unwrap();
    assert!(error.as_db_error().is_none(), "{error:?}");
    "ok"
}

async fn types_in_text(place: &Place) -> &'static str {
    let text = "SELECT 1, 1.50::numeric, 'naïve 💡', '\\x00ff'::bytea, true, NULL, DATE '2026-02-28', ARRAY[1, NULL]; \
                SELECT 2";
    let messages = connect(place).await.simple_query(text).await.unwrap();
    let rows: Vec<Vec<Option<String>>> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        })
        .collect();
    let first = ["1", "1.50", "naïve 💡", "\\x00ff", "t", "", "2026-02-28", "{1,NULL}"];
    let first: Vec<_> =
        first.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect();
    assert_eq!(rows, [first, vec![Some("2".to_owned())]]);
    "ok"
}

async fn types_in_binary(place: &Place) -> &'static str {
    async fn same<T>(client: &Client, name: &str, given: T)
    where
        T: ToSql + Sync + PartialEq + std::fmt::Debug + for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let query = format!("SELECT $1::{name}, NULL::{name}");
        let row = client.query_one(&query, &[&given]).await.unwrap();
        assert_eq!(row.get::<_, T>(0), given, "{name}");
        assert!(row.get::<_, Option<T>>(1).is_none(), "{name}");
    }
    let client = connect(place).await;
    same(&client, "int2", i16::MIN).await;
    same(&client, "int4", i32::MAX).await;
    same(&client, "int8", i64::MIN).await;
    same(&client, "float4", 0.5_f32).await;
    same(&client, "float8", 1e300).await;
    same(&client, "text", "naïve 💡 'quoted' \\ \n".to_owned()).await;
    same(&client, "bytea", (0..=255).collect::<Vec<u8>>()).await;
    same(&client, "bool", true).await;
    same(&client, "uuid", Uuid::from_u128(1)).await;
    same(&client, "date", NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()).await;
    same(&client, "timestamptz", "2026-02-28T12:00:00.000001Z".parse::<DateTime<Utc>>().unwrap())
        .await;
    same(&client, "jsonb", serde_json::json!({"k": [1, null, "ü"]})).await;
    same(&client, "int4[]", vec![Some(1), None]).await;
    same(&client, "text[]", vec!["a,b".to_owned(), "\"".to_owned(), String::new()]).await;
    "ok"
}

async fn prepared_statements(place: &Place) -> &'static str {
    let client = connect(place).await;
    let statement = client.prepare("SELECT note FROM orders WHERE id = $1").await.unwrap();
    for id in 1..8 {
        let row = client.query_one(&statement, &[&id]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), format!("order {id}"));
    }
    let named =
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT%orders%id = $1'";
    assert_eq!(number(&client, named).await, 1);
    drop(statement);
    assert_eq!(number(&client, named).await, 0, "dropping it closes it");
    // Types of parameters are asked of the catalog where they are not the usual ones.
    let typed = client.prepare_typed("SELECT $1 || 'x'::text", &[Type::VARCHAR]).await.unwrap();
    assert_eq!(typed.params(), [Type::VARCHAR]);
    let rows = client.query_typed("SELECT $1 + 1", &[(&1_i64, Type::INT8)]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 2);
    let row_type = client.prepare("SELECT o FROM orders o").await.unwrap();
    assert_eq!(row_type.columns()[0].type_().name(), "orders");
    "ok"
}

async fn transactions(place: &Place) -> &'static str {
    const INSERT: &str = "INSERT INTO notes (body) VALUES ($1)";
    let mut client = connect(place).await;
    let mut outer = client.transaction().await.unwrap();
    outer.execute(INSERT, &[&"kept"]).await.unwrap();
    let inner = outer.savepoint("here").await.unwrap();
    inner.execute(INSERT, &[&"taken back"]).await.unwrap();
    inner.rollback().await.unwrap();
    let inner = outer.transaction().await.unwrap();
    inner.execute(INSERT, &[&"nested"]).await.unwrap();
    inner.commit().await.unwrap();
    let rows = outer.query("SELECT body FROM notes ORDER BY id", &[]).await.unwrap();
    let bodies: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(bodies, ["kept", "nested"]);
    outer.rollback().await.unwrap();
    assert_eq!(number(&client, NOTES).await, 0);
    let read_only = client.build_transaction().read_only(true).start().await.unwrap();
    let error = read_only.execute(INSERT, &[&"read only"]).await.unwrap_err();
    assert_eq!(sqlstate(&error), "25006");
    "ok"
}

async fn pipelining(place: &Place) -> &'static str {
    let client = connect(place).await;
    let statement = client.prepare("SELECT $1::int4 * 2").await.unwrap();
    let asked = (0..100).map(|n| {
        let (client, statement) = (&client, &statement);
        async move { client.query_one(statement, &[&n]).await.unwrap().get::<_, i32>(0) }
    });
    assert_eq!(join_all(asked).await, (0..100).map(|n| n * 2).collect::<Vec<i32>>());
    let (first, second, third) = tokio::join!(
        client.query_one("SELECT 1::int8", &[]),
        client.query_one("SELECT 1 / $1::int4", &[&0]),
        client.query_one("SELECT 3::int8", &[]),
    );
    assert_eq!((first.unwrap().get::<_, i64>(0), third.unwrap().get::<_, i64>(0)), (1, 3));
    assert_eq!(sqlstate(&second.unwrap_err()), "22012");
    "ok"
}

async fn copy_in_and_out(place: &Place) -> &'static str {
    let client = connect(place).await;
    let sink = client.copy_in("COPY notes (id, body) FROM STDIN").await.unwrap();
    let mut sink = pin!(sink);
    for id in 0..100 {
        sink.send(Bytes::from(format!("{id}\ttext\n"))).await.unwrap();
    }
    assert_eq!(sink.finish().await.unwrap(), 100);
    let sink = client.copy_in("COPY notes (id, body) FROM STDIN (FORMAT binary)").await.unwrap();
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &[Type::INT4, Type::TEXT]));
    for id in 100..200 {
        writer.as_mut().write(&[&id, &"binary"]).await.unwrap();
    }
    assert_eq!(writer.finish().await.unwrap(), 100);
    let text = "COPY (SELECT id FROM notes WHERE id < 2 ORDER BY id) TO STDOUT (FORMAT csv)";
    let chunks: Vec<Bytes> = client.copy_out(text).await.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"0\n1\n");
    let text = "COPY (SELECT id FROM notes WHERE body = 'binary') TO STDOUT (FORMAT binary)";
    let rows = BinaryCopyOutStream::new(client.copy_out(text).await.unwrap(), &[Type::INT4]);
    let total: i32 =
        rows.map(|row| row.unwrap().get::<i32>(0)).fold(0, async |sum, id| sum + id).await;
    assert_eq!(total, (100..200).sum::<i32>());
    client.execute("DELETE FROM notes WHERE id < 200 AND body IS NOT NULL", &[]).await.unwrap();
    "ok"
}

async fn portals_and_streams(place: &Place) -> &'static str {
    let mut client = connect(place).await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM orders ORDER BY id", &[]).await.unwrap();
    let first = transaction.query_portal(&portal, 30).await.unwrap();
    let rest = transaction.query_portal(&portal, 0).await.unwrap();
    assert_eq!((first.len(), rest.len(), rest[0].get::<_, i32>(0)), (30, 70, 31));
    transaction.commit().await.unwrap();
    let no_parameters: [&(dyn ToSql + Sync); 0] = [];
    let query = "SELECT n FROM numbers ORDER BY n LIMIT 3000";
    let rows = client
        .query_raw(query, no_parameters.iter().map(|value| *value as &dyn ToSql))
        .await
        .unwrap();
    let total: i32 =
        rows.map(|row| row.unwrap().get::<_, i32>(0)).fold(0, async |sum, n| sum + n).await;
    assert_eq!(total, 3000 * 3001 / 2);
    "ok"
}

async fn cancel(place: &Place) -> &'static str {
    let (client, watcher) = (connect(place).await, connect(place).await);
    let token = client.cancel_token();
    let cancel = async {
        while number(&watcher, SLEEPING).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        token.cancel_query(Tls::trusting(&place.certificate())).await.unwrap();
    };
    let (ran, ()) = tokio::join!(client.execute("SELECT pg_sleep(60)", &[]), cancel);
    assert_eq!(sqlstate(&ran.unwrap_err()), "57014");
    assert_eq!(number(&client, "SELECT 1::int8").await, 1);
    "ok"
}

async fn notifications(place: &Place) -> &'static str {
    let config = config(place.port, place.user, place.password, &place.database);
    let (listener, mut connection) =
        config.connect(Tls::trusting(&place.certificate())).await.unwrap();
    let speaker = connect(place).await;
    let mut said = pin!(
        async {
            listener.batch_execute("LISTEN news").await.unwrap();
            speaker.batch_execute("NOTIFY news, 'from another'").await.unwrap();
        }
        .fuse()
    );
    let heard = in_time("a notification", async {
        loop {
            tokio::select! {
                () = &mut said => {}
                message = poll_fn(|cx| connection.poll_message(cx)) => {
                    if let AsyncMessage::Notification(heard) = message.unwrap().unwrap() {
                        return heard;
                    }
                }
            }
        }
    })
    .await;
    assert_eq!((heard.channel(), heard.payload()), ("news", "from another"));
    "ok"
}

async fn errors_keep_their_class(place: &Place) -> &'static str {
    let insert = "INSERT INTO orders (id, customer_id, amount) VALUES ($1, 1, 1)";
    let error = connect(place).await.execute(insert, &[&1]).await.unwrap_err();
    let told = error.as_db_error().unwrap();
    assert_eq!((told.code().code(), told.constraint()), ("23505", Some("orders_pkey")));
    "ok"
}

async fn denial_when_idle(place: &Place) -> &'static str {
    let client = connect(place).await;
    let mut word = "ok";
    for result in [
        client.execute(DENIED, &[]).await.map(|_| ()),
        client.batch_execute(DENIED).await,
        client.prepare(DENIED).await.map(|_| ()),
    ] {
        match result {
            Ok(()) => word = "open",
            Err(error) => assert_refusal(&error),
        }
        assert_eq!(number(&client, "SELECT 1::int8").await, 1);
    }
    word
}

async fn denial_in_a_transaction(place: &Place) -> &'static str {
    let mut client = connect(place).await;
    let transaction = client.transaction().await.unwrap();
    transaction.execute("INSERT INTO notes (body) VALUES ('x')", &[]).await.unwrap();
    let Err(error) = transaction.execute(DENIED, &[]).await else {
        transaction.rollback().await.unwrap();
        return "open";
    };
    assert_refusal(&error);
    assert_eq!(sqlstate(&transaction.query("SELECT 1", &[]).await.unwrap_err()), "25P02");
    transaction.rollback().await.unwrap();
    assert_eq!(number(&client, NOTES).await, 0);
    "ok"
}

async fn denial_in_a_pipeline(place: &Place) -> &'static str {
    let client = connect(place).await;
    let (before, denied, after) = tokio::join!(
        client.query_one("SELECT 1::int8", &[]),
        client.execute(DENIED, &[]),
        client.query_one("SELECT 3::int8", &[]),
    );
    assert_eq!((before.unwrap().get::<_, i64>(0), after.unwrap().get::<_, i64>(0)), (1, 3));
    match denied {
        Ok(_) => "open",
        Err(error) => {
            assert_refusal(&error);
            "ok"
        }
    }
}

async fn masked_column(place: &Place) -> &'static str {
    let client = connect(place).await;
    let row = client.query_one("SELECT email FROM customers WHERE id = $1", &[&7]).await.unwrap();
    mask_word(row.get(0))
}

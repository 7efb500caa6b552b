//! sqlx as its users use it: its pool, its cache of prepared statements, its way to describe what it prepares.
//! The contract is in `tests/it/suite/drivers.rs`.

use std::time::Duration;

use futures_util::{TryStreamExt as _, future::join_all};
use sqlx::{
    Connection as _, Error, Executor as _, PgConnection, PgPool, Row as _,
    postgres::{
        PgArguments, PgConnectOptions, PgDatabaseError, PgListener, PgPoolOptions, PgSslMode,
        types::PgRange,
    },
    types::{
        Json, Uuid,
        chrono::{DateTime, NaiveDate, NaiveTime, Utc},
    },
};

mod place;

use place::{DENIED, Place, in_time, mask_word, version};

/// Says whether a statement sleeps on another connection.
const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("version {}", version("sqlx"));
    let place = Place::told();
    place.case("tls_verifies_the_certificate", tls).await;
    place.case("types_in_binary", types_in_binary).await;
    place.case("types_in_text", types_in_text).await;
    place.case("describe", describe).await;
    place.case("prepared_statements", prepared_statements).await;
    place.case("transactions", transactions).await;
    place.case("copy_in_and_out", copy_in_and_out).await;
    place.case("streams", streams).await;
    place.case("cancel", cancel).await;
    place.case("notifications", notifications).await;
    place.case("pool", pool_hands_out_connections).await;
    place.case("errors_keep_their_class", errors_keep_their_class).await;
    place.case("denial_when_idle", denial_when_idle).await;
    place.case("denial_in_a_transaction", denial_in_a_transaction).await;
    place.case("masked_column", masked_column).await;
}

fn options(place: &Place) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(&place.host)
        .port(place.port)
        .username(&place.user)
        .password(&place.password)
        .database(&place.database)
        .ssl_mode(if place.encrypted { PgSslMode::VerifyFull } else { PgSslMode::Disable })
        .ssl_root_cert(&place.certificate)
}

async fn connect(place: &Place) -> PgConnection {
    PgConnection::connect_with(&options(place)).await.unwrap()
}

fn pool(place: &Place, connections: u32) -> PgPool {
    PgPoolOptions::new().max_connections(connections).connect_lazy_with(options(place))
}

async fn number(connection: &mut PgConnection, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(connection).await.unwrap()
}

const NOTES: &str = "SELECT count(*) FROM notes";
const INSERT: &str = "INSERT INTO notes (body) VALUES ($1)";

fn fields(error: &Error) -> &PgDatabaseError {
    error.as_database_error().unwrap().downcast_ref()
}

fn assert_refusal(error: &Error) {
    let told = fields(error);
    assert_eq!(told.code(), "42501");
    assert!(told.message().contains("jurat denied DELETE on public.payments"), "{told:?}");
    assert!(told.detail().unwrap().starts_with("{\"decision\":\"deny\""), "{told:?}");
    assert!(told.hint().is_some());
}

async fn tls(place: &Place) -> &'static str {
    assert_eq!(number(&mut connect(place).await, "SELECT 1::int8").await, 1);
    let options =
        options(place).ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(&place.foreign_certificate);
    let error = PgConnection::connect_with(&options).await.unwrap_err();
    assert!(matches!(error, Error::Tls(_) | Error::Io(_)), "{error:?}");
    "ok"
}

async fn types_in_binary(place: &Place) -> &'static str {
    async fn same<T>(connection: &mut PgConnection, name: &str, given: T)
    where
        T: Clone + PartialEq + std::fmt::Debug + Send + Unpin + 'static,
        T: for<'q> sqlx::Encode<'q, sqlx::Postgres>
            + for<'r> sqlx::Decode<'r, sqlx::Postgres>
            + sqlx::Type<sqlx::Postgres>,
    {
        let query = format!("SELECT $1::{name}, NULL::{name}");
        let row = sqlx::query(&query).bind(given.clone()).fetch_one(connection).await.unwrap();
        assert_eq!(row.get::<T, _>(0), given, "{name}");
        assert!(row.get::<Option<T>, _>(1).is_none(), "{name}");
    }
    let connection = &mut connect(place).await;
    same(connection, "int2", i16::MIN).await;
    same(connection, "int4", i32::MAX).await;
    same(connection, "int8", i64::MIN).await;
    same(connection, "float4", 0.5_f32).await;
    same(connection, "float8", 1e300).await;
    same(connection, "text", "naïve 💡 'quoted' \\ \n".to_owned()).await;
    same(connection, "bytea", (0..=255).collect::<Vec<u8>>()).await;
    same(connection, "bool", true).await;
    same(connection, "uuid", Uuid::from_u128(1)).await;
    same(connection, "date", NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()).await;
    same(connection, "time", NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap()).await;
    let moment: DateTime<Utc> = "2026-02-28T12:00:00.000001Z".parse().unwrap();
    same(connection, "timestamptz", moment).await;
    same(connection, "jsonb", Json(serde_json::json!({"k": [1, null, "ü"]}))).await;
    same(connection, "json", Json(serde_json::json!({"k": [1, null, "ü"]}))).await;
    same(connection, "int4range", PgRange::from(1..5)).await;
    same(connection, "int4[]", vec![Some(1), None]).await;
    same(connection, "text[]", vec!["a,b".to_owned(), "\"".to_owned(), String::new()]).await;
    "ok"
}

/// A text without parameters goes by the simple protocol, several statements in one message as well.
async fn types_in_text(place: &Place) -> &'static str {
    let text = "SELECT 1 AS n, 'ü' AS body, NULL::text AS nothing; SELECT 2, 'b', 'c'";
    let mut connection = connect(place).await;
    let rows: Vec<_> = (&mut connection).fetch_many(text).try_collect().await.unwrap();
    let rows: Vec<(i32, String, Option<String>)> = rows
        .into_iter()
        .filter_map(sqlx::Either::right)
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    assert_eq!(rows, [(1, "ü".to_owned(), None), (2, "b".to_owned(), Some("c".to_owned()))]);
    "ok"
}

/// What the macros of sqlx ask while a program is compiled: types, and which columns can be null.
async fn describe(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let text = "SELECT o.id, o.amount, c.name FROM orders o LEFT JOIN customers c ON c.id = $1 WHERE o.note = $2";
    let described = connection.describe(text).await.unwrap();
    let names: Vec<_> = described
        .columns()
        .iter()
        .map(|column| sqlx::TypeInfo::name(sqlx::Column::type_info(column)))
        .collect();
    assert_eq!(names, ["INT4", "NUMERIC", "TEXT"]);
    assert_eq!(described.nullable(0), Some(false));
    let row = sqlx::query("SELECT o FROM orders o WHERE id = 1").fetch_one(&mut connection).await;
    assert_eq!(sqlx::TypeInfo::name(sqlx::Column::type_info(&row.unwrap().columns()[0])), "orders");
    "ok"
}

async fn prepared_statements(place: &Place) -> &'static str {
    let options = options(place).statement_cache_capacity(3);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    for id in 1..8 {
        let note: String = sqlx::query_scalar("SELECT note FROM orders WHERE id = $1")
            .bind(id)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(note, format!("order {id}"));
        // More statements than the cache holds: the driver closes the oldest.
        let query = format!("SELECT id::int8 + {id} FROM orders WHERE id = 1");
        assert_eq!(number(&mut connection, &query).await, 1 + i64::from(id));
    }
    assert!(number(&mut connection, "SELECT count(*) FROM pg_prepared_statements").await <= 3);
    connection.clear_cached_statements().await.unwrap();
    let once = sqlx::query_scalar("SELECT $1::int4 + 1").bind(1).persistent(false);
    let two: i32 = once.fetch_one(&mut connection).await.unwrap();
    assert_eq!(two, 2);
    "ok"
}

async fn transactions(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut outer = connection.begin().await.unwrap();
    sqlx::query(INSERT).bind("kept").execute(&mut *outer).await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    sqlx::query(INSERT).bind("taken back").execute(&mut *inner).await.unwrap();
    inner.rollback().await.unwrap();
    // A transaction that is dropped is rolled back before the next statement.
    let mut inner = outer.begin().await.unwrap();
    sqlx::query(INSERT).bind("dropped").execute(&mut *inner).await.unwrap();
    drop(inner);
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM notes ORDER BY id")
        .fetch_all(&mut *outer)
        .await
        .unwrap();
    assert_eq!(bodies, ["kept"]);
    outer.rollback().await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 0);
    "ok"
}

async fn copy_in_and_out(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut copy = connection.copy_in_raw("COPY notes (id, body) FROM STDIN").await.unwrap();
    for id in 0..100 {
        copy.send(format!("{id}\ttext\n").into_bytes()).await.unwrap();
    }
    assert_eq!(copy.finish().await.unwrap(), 100);
    let query = "COPY (SELECT id FROM notes WHERE id < 2 ORDER BY id) TO STDOUT";
    let chunks: Vec<_> = connection.copy_out_raw(query).await.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"0\n1\n");
    let copy = connection.copy_in_raw("COPY notes (body) FROM STDIN").await.unwrap();
    copy.abort("given up").await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 100);
    connection.execute("DELETE FROM notes WHERE id < 100 AND body = 'text'").await.unwrap();
    "ok"
}

async fn streams(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let query = sqlx::query_scalar("SELECT n FROM numbers ORDER BY n LIMIT 3000");
    let total: i32 =
        query.fetch(&mut connection).try_fold(0, async |sum, n: i32| Ok(sum + n)).await.unwrap();
    assert_eq!(total, 3000 * 3001 / 2);
    // Given up in the middle: the connection takes what is left and goes on.
    let mut rows = sqlx::query("SELECT n FROM numbers").fetch(&mut connection);
    assert!(rows.try_next().await.unwrap().is_some());
    drop(rows);
    assert_eq!(number(&mut connection, "SELECT 1::int8").await, 1);
    "ok"
}

/// The driver has no cancel requests; another session asks the server to cancel, or a time-out does.
async fn cancel(place: &Place) -> &'static str {
    let options = options(place).options([("statement_timeout", "200ms")]);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let error = connection.execute("SELECT pg_sleep(60)").await.unwrap_err();
    assert_eq!(fields(&error).code(), "57014");
    assert_eq!(number(&mut connection, "SELECT 1::int8").await, 1);
    // A session that is dropped while its statement runs ends, and its statement with it.
    let (mut watcher, running) = (connect(place).await, connect(place).await);
    let sleeping = tokio::spawn(async move {
        let mut running = running;
        running.execute("SELECT pg_sleep(60)").await.map(|_| ())
    });
    in_time("the statement to run", async {
        while number(&mut watcher, SLEEPING).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    sleeping.abort();
    assert_eq!(number(&mut watcher, "SELECT 1::int8").await, 1);
    "ok"
}

async fn notifications(place: &Place) -> &'static str {
    let pool = pool(place, 2);
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen_all(["news", "weather"]).await.unwrap();
    sqlx::query("SELECT pg_notify('news', $1)").bind("from another").execute(&pool).await.unwrap();
    let heard = in_time("a notification", listener.recv()).await.unwrap();
    assert_eq!((heard.channel(), heard.payload()), ("news", "from another"));
    listener.unlisten_all().await.unwrap();
    "ok"
}

async fn pool_hands_out_connections(place: &Place) -> &'static str {
    let pool = pool(place, 3);
    let asked =
        (0..20).map(|n| sqlx::query_scalar::<_, i32>("SELECT $1::int4").bind(n).fetch_one(&pool));
    let numbers: Vec<i32> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<i32>>());
    pool.close().await;
    "ok"
}

async fn errors_keep_their_class(place: &Place) -> &'static str {
    let insert = "INSERT INTO orders (id, customer_id, amount) VALUES ($1, 1, 1)";
    let error = sqlx::query(insert).bind(1).execute(&mut connect(place).await).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation());
    assert_eq!(fields(&error).constraint(), Some("orders_pkey"));
    "ok"
}

async fn denial_when_idle(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut word = "ok";
    for simple in [true, false] {
        let ran = if simple {
            connection.execute(DENIED).await
        } else {
            sqlx::query_with(DENIED, PgArguments::default()).execute(&mut connection).await
        };
        match ran {
            Ok(_) => word = "open",
            Err(error) => assert_refusal(&error),
        }
        assert_eq!(number(&mut connection, "SELECT 1::int8").await, 1);
    }
    word
}

async fn denial_in_a_transaction(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query(INSERT).bind("x").execute(&mut *transaction).await.unwrap();
    let Err(error) = sqlx::query(DENIED).execute(&mut *transaction).await else {
        transaction.rollback().await.unwrap();
        return "open";
    };
    assert_refusal(&error);
    let error = sqlx::query("SELECT 1").execute(&mut *transaction).await.unwrap_err();
    assert_eq!(fields(&error).code(), "25P02");
    transaction.rollback().await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 0);
    "ok"
}

async fn masked_column(place: &Place) -> &'static str {
    let query = sqlx::query_scalar("SELECT email FROM customers WHERE id = $1").bind(7);
    let email: String = query.fetch_one(&mut connect(place).await).await.unwrap();
    mask_word(&email)
}

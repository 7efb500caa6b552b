//! sqlx over MySQL's protocol: its pool, its cache of prepared statements, the settings that it begins a session with.
//! The contract is in `tests/it/suite/drivers.rs`.

use std::time::Duration;

use futures_util::{TryStreamExt as _, future::join_all};
use sqlx::{
    Connection as _, Error, Executor as _, MySqlConnection, MySqlPool, Row as _,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions, MySqlSslMode},
    types::{
        Json,
        chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc},
    },
};

mod place;

use place::{DENIED, Place, in_time, mask_word, version};

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
    place.case("streams", streams).await;
    place.case("cancel", cancel).await;
    place.case("pool", pool_hands_out_connections).await;
    place.case("errors_keep_their_class", errors_keep_their_class).await;
    place.case("denial_when_idle", denial_when_idle).await;
    place.case("denial_in_a_transaction", denial_in_a_transaction).await;
    place.case("masked_column", masked_column).await;
}

fn options(place: &Place) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host(&place.host)
        .port(place.port)
        .username(&place.user)
        .password(&place.password)
        .database(&place.database)
        // The driver would have `||` mean CONCAT, which Jurat does not carry.
        .pipes_as_concat(false)
        .ssl_mode(if place.encrypted { MySqlSslMode::VerifyIdentity } else { MySqlSslMode::Disabled })
        .ssl_ca(&place.certificate)
}

async fn connect(place: &Place) -> MySqlConnection {
    MySqlConnection::connect_with(&options(place)).await.unwrap()
}

fn pool(place: &Place, connections: u32) -> MySqlPool {
    MySqlPoolOptions::new().max_connections(connections).connect_lazy_with(options(place))
}

async fn number(connection: &mut MySqlConnection, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(connection).await.unwrap()
}

const NOTES: &str = "SELECT count(*) FROM notes";
const INSERT: &str = "INSERT INTO notes (body) VALUES (?)";

fn fields(error: &Error) -> &MySqlDatabaseError {
    error.as_database_error().unwrap().downcast_ref()
}

fn assert_refusal(error: &Error) {
    let told = fields(error);
    assert_eq!((told.number(), told.code()), (1142, Some("42000")));
    assert!(told.message().contains("jurat denied DELETE on shop.payments"), "{told:?}");
}

async fn tls(place: &Place) -> &'static str {
    assert_eq!(number(&mut connect(place).await, "SELECT 1").await, 1);
    let options = options(place).ssl_mode(MySqlSslMode::VerifyCa).ssl_ca(&place.foreign_certificate);
    let error = MySqlConnection::connect_with(&options).await.unwrap_err();
    assert!(matches!(error, Error::Tls(_) | Error::Io(_)), "{error:?}");
    "ok"
}

async fn types_in_binary(place: &Place) -> &'static str {
    async fn same<T>(connection: &mut MySqlConnection, given: T)
    where
        T: Clone + PartialEq + std::fmt::Debug + Send + Unpin + 'static,
        T: for<'q> sqlx::Encode<'q, sqlx::MySql>
            + for<'r> sqlx::Decode<'r, sqlx::MySql>
            + sqlx::Type<sqlx::MySql>,
    {
        let row = sqlx::query("SELECT ?").bind(given.clone()).fetch_one(connection).await.unwrap();
        assert_eq!(row.get_unchecked::<T, _>(0), given);
    }
    let connection = &mut connect(place).await;
    same(connection, i16::MIN).await;
    same(connection, i64::MIN).await;
    same(connection, u64::MAX).await;
    same(connection, 0.5_f32).await;
    same(connection, 1e300).await;
    same(connection, "naïve 💡 'quoted' \\ \n".to_owned()).await;
    same(connection, (0..=255).collect::<Vec<u8>>()).await;
    same(connection, true).await;
    same(connection, NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()).await;
    same(connection, NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap()).await;
    let moment: NaiveDateTime = "2026-02-28T12:00:00.000001".parse().unwrap();
    same(connection, moment).await;
    let moment: DateTime<Utc> = "2026-02-28T12:00:00Z".parse().unwrap();
    same(connection, moment).await;
    same(connection, Json(serde_json::json!({"k": [1, null, "ü"]}))).await;
    let nothing: Option<String> =
        sqlx::query_scalar("SELECT ?").bind(None::<String>).fetch_one(connection).await.unwrap();
    assert_eq!(nothing, None);
    "ok"
}

/// A text without parameters goes by the text protocol, several statements in one message as well.
async fn types_in_text(place: &Place) -> &'static str {
    let text = "SELECT 1 AS n, 'ü' AS body, NULL AS nothing; SELECT 2, 'b', 'c'";
    let mut connection = connect(place).await;
    let rows: Vec<_> = (&mut connection).fetch_many(text).try_collect().await.unwrap();
    let rows: Vec<(i64, String, Option<String>)> = rows
        .into_iter()
        .filter_map(sqlx::Either::right)
        .map(|row| (row.get(0), row.get(1), row.get_unchecked(2)))
        .collect();
    assert_eq!(rows, [(1, "ü".to_owned(), None), (2, "b".to_owned(), Some("c".to_owned()))]);
    "ok"
}

/// What the macros of sqlx ask while a program is compiled: types, and which columns can be null.
async fn describe(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let text = "SELECT o.id, o.amount, o.note FROM orders o WHERE o.id = ?";
    let described = connection.describe(text).await.unwrap();
    let names: Vec<_> = described
        .columns()
        .iter()
        .map(|column| sqlx::TypeInfo::name(sqlx::Column::type_info(column)))
        .collect();
    assert_eq!(names, ["INT", "DECIMAL", "TEXT"]);
    assert_eq!([described.nullable(0), described.nullable(2)], [Some(false), Some(true)]);
    "ok"
}

async fn prepared_statements(place: &Place) -> &'static str {
    let options = options(place).statement_cache_capacity(3);
    let mut connection = MySqlConnection::connect_with(&options).await.unwrap();
    for id in 1..8 {
        let note: String = sqlx::query_scalar("SELECT note FROM orders WHERE id = ?")
            .bind(id)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(note, format!("order {id}"));
        // More statements than the cache holds: the driver closes the oldest.
        let query = format!("SELECT id + {id} FROM orders WHERE id = 1");
        assert_eq!(number(&mut connection, &query).await, 1 + i64::from(id));
    }
    connection.clear_cached_statements().await.unwrap();
    let once = sqlx::query_scalar("SELECT ? + 1").bind(1_i64).persistent(false);
    let two: i64 = once.fetch_one(&mut connection).await.unwrap();
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
    assert_eq!(number(&mut connection, "SELECT 1").await, 1);
    "ok"
}

/// The driver has no cancel requests; another session asks the server to end what runs.
async fn cancel(place: &Place) -> &'static str {
    let (mut other, mut running) = (connect(place).await, connect(place).await);
    let query = "SELECT CAST(CONNECTION_ID() AS SIGNED)";
    let connection = number(&mut running, query).await;
    let sleeping = tokio::spawn(async move {
        let error = running.execute("SELECT SLEEP(60) FROM numbers").await.unwrap_err();
        assert_eq!(fields(&error).number(), 1317, "{error}");
        assert_eq!(number(&mut running, "SELECT 1").await, 1);
    });
    in_time("the statement to end", async {
        while !sleeping.is_finished() {
            other.execute(format!("KILL QUERY {connection}").as_str()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    sleeping.await.unwrap();
    "ok"
}

async fn pool_hands_out_connections(place: &Place) -> &'static str {
    let pool = pool(place, 3);
    let asked =
        (0..20).map(|n| sqlx::query_scalar::<_, i64>("SELECT ?").bind(n).fetch_one(&pool));
    let numbers: Vec<i64> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<i64>>());
    pool.close().await;
    "ok"
}

async fn errors_keep_their_class(place: &Place) -> &'static str {
    let insert = "INSERT INTO orders (id, customer_id, amount) VALUES (?, 1, 1)";
    let error = sqlx::query(insert).bind(1).execute(&mut connect(place).await).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation());
    assert_eq!(fields(&error).number(), 1062);
    "ok"
}

async fn denial_when_idle(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut word = "ok";
    for simple in [true, false] {
        connection.execute("START TRANSACTION").await.unwrap();
        let ran = if simple {
            connection.execute(DENIED).await
        } else {
            sqlx::query_with(DENIED, MySqlArguments::default()).execute(&mut connection).await
        };
        match ran {
            Ok(_) => word = "open",
            Err(error) => assert_refusal(&error),
        }
        connection.execute("ROLLBACK").await.unwrap();
        assert_eq!(number(&mut connection, "SELECT 1").await, 1);
    }
    word
}

/// The transaction goes on, as it does after any error of the server.
async fn denial_in_a_transaction(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query(INSERT).bind("x").execute(&mut *transaction).await.unwrap();
    let Err(error) = sqlx::query(DENIED).execute(&mut *transaction).await else {
        transaction.rollback().await.unwrap();
        return "open";
    };
    assert_refusal(&error);
    let count: i64 = sqlx::query_scalar(NOTES).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(count, 1);
    transaction.rollback().await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 0);
    "ok"
}

async fn masked_column(place: &Place) -> &'static str {
    let query = sqlx::query_scalar("SELECT email FROM customers WHERE id = ?").bind(7);
    let email: String = query.fetch_one(&mut connect(place).await).await.unwrap();
    mask_word(&email)
}

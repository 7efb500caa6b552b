//! mysql_async as its users use it: its pool that resets connections, its cache of prepared statements, its streams.
//! The contract is in `tests/it/suite/drivers.rs`.

use std::time::Duration;

use futures_util::{StreamExt as _, future::join_all};
use mysql_async::{
    ChangeUserOpts, Conn, DriverError, Error, IsolationLevel, Opts, OptsBuilder, Params, Pool, Row, ServerError,
    SslOpts, TxOpts, Value, params,
    prelude::{Query as _, Queryable as _, WithParams as _},
};

mod place;

use place::{DENIED, Place, in_time, mask_word, version};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("version {}", version("mysql_async"));
    let place = Place::told();
    place.case("tls_verifies_the_certificate", tls).await;
    place.case("types_in_binary", types_in_binary).await;
    place.case("types_in_text", types_in_text).await;
    place.case("prepared_statements", prepared_statements).await;
    place.case("several_statements", several_statements).await;
    place.case("transactions", transactions).await;
    place.case("streams", streams).await;
    place.case("cancel", cancel).await;
    place.case("change_user", change_user).await;
    place.case("pool", pool_hands_out_connections).await;
    place.case("errors_keep_their_class", errors_keep_their_class).await;
    place.case("denial_when_idle", denial_when_idle).await;
    place.case("denial_in_a_transaction", denial_in_a_transaction).await;
    place.case("masked_column", masked_column).await;
}

fn options(place: &Place) -> OptsBuilder {
    let tls = SslOpts::default().with_root_certs(vec![place.certificate.clone().into()]);
    OptsBuilder::default()
        .ip_or_hostname(&place.host)
        .tcp_port(place.port)
        .user(Some(&place.user))
        .pass(Some(&place.password))
        .db_name(Some(&place.database))
        // Whatever the driver itself would rather have: a socket of the server's own machine.
        .prefer_socket(false)
        .ssl_opts(place.encrypted.then_some(tls))
}

async fn connect(place: &Place) -> Conn {
    Conn::new(options(place)).await.unwrap()
}

async fn number(connection: &mut Conn, query: &str) -> i64 {
    connection.query_first(query).await.unwrap().unwrap()
}

const NOTES: &str = "SELECT count(*) FROM notes";
const INSERT: &str = "INSERT INTO notes (body) VALUES (?)";

fn server(error: Error) -> ServerError {
    match error {
        Error::Server(error) => error,
        other => panic!("{other:?}"),
    }
}

fn assert_refusal(error: Error) {
    let told = server(error);
    assert_eq!((told.code, told.state.as_str()), (1142, "42000"));
    assert!(told.message.contains("jurat denied DELETE on shop.payments"), "{told:?}");
}

async fn tls(place: &Place) -> &'static str {
    assert_eq!(number(&mut connect(place).await, "SELECT 1").await, 1);
    let foreign = SslOpts::default().with_root_certs(vec![place.foreign_certificate.clone().into()]);
    let error = Conn::new(options(place).ssl_opts(foreign)).await.unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error:?}");
    "ok"
}

async fn types_in_binary(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    for given in [
        Value::NULL,
        Value::Int(i64::MIN),
        Value::UInt(u64::MAX),
        Value::Double(1e300),
        Value::Bytes("naïve 💡 'quoted' \\ \n".into()),
        Value::Bytes((0..=255).collect()),
        Value::Date(2026, 2, 28, 12, 0, 0, 5),
        Value::Time(true, 1, 2, 3, 4, 5),
    ] {
        let row: Row = connection.exec_first("SELECT ?", (given.clone(),)).await.unwrap().unwrap();
        assert_eq!(row[0], given);
    }
    "ok"
}

async fn types_in_text(place: &Place) -> &'static str {
    let text = "SELECT 1, 'ü', NULL, 1.50, DATE '2026-02-28', x'00ff'";
    let row: Row = connect(place).await.query_first(text).await.unwrap().unwrap();
    let bytes = |text: &str| Value::Bytes(text.into());
    let expected =
        [bytes("1"), bytes("ü"), Value::NULL, bytes("1.50"), bytes("2026-02-28"), Value::Bytes(vec![0, 255])];
    assert_eq!(row.unwrap(), expected);
    "ok"
}

async fn prepared_statements(place: &Place) -> &'static str {
    let mut connection = Conn::new(options(place).stmt_cache_size(3)).await.unwrap();
    for id in 1..8 {
        let by_name = "SELECT note FROM orders WHERE id = :id";
        let note: Option<String> = connection.exec_first(by_name, params! { "id" => id }).await.unwrap();
        assert_eq!(note, Some(format!("order {id}")));
        // More statements than the cache holds: the driver closes the oldest.
        let query = format!("SELECT id + {id} FROM orders WHERE id = ?");
        let sum: Option<i64> = connection.exec_first(query, (1,)).await.unwrap();
        assert_eq!(sum, Some(1 + id));
    }
    connection.exec_batch(INSERT, (0..20).map(|n| (format!("note {n}"),))).await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 20);
    // A value that is sent in pieces.
    let long = "x".repeat(60_000);
    connection.exec_drop("UPDATE notes SET body = ? WHERE body = 'note 3'", (long,)).await.unwrap();
    assert_eq!(number(&mut connection, "SELECT MAX(LENGTH(body)) FROM notes").await, 60_000);
    connection.query_drop("DELETE FROM notes WHERE id > 0").await.unwrap();
    "ok"
}

async fn several_statements(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut results = connection.query_iter("SELECT 1; SELECT 2; SELECT 3").await.unwrap();
    let mut seen = Vec::new();
    while !results.is_empty() {
        seen.extend(results.collect::<i64>().await.unwrap());
    }
    drop(results);
    assert_eq!(seen, [1, 2, 3]);
    "ok"
}

async fn transactions(place: &Place) -> &'static str {
    let (mut connection, mut other) = (connect(place).await, connect(place).await);
    let mut options = TxOpts::default();
    options.with_isolation_level(IsolationLevel::RepeatableRead).with_consistent_snapshot(true);
    let mut transaction = connection.start_transaction(options).await.unwrap();
    transaction.exec_drop(INSERT, ("kept",)).await.unwrap();
    transaction.query_drop("SAVEPOINT here").await.unwrap();
    transaction.exec_drop(INSERT, ("taken back",)).await.unwrap();
    transaction.query_drop("ROLLBACK TO SAVEPOINT here").await.unwrap();
    let bodies: Vec<String> = transaction.query("SELECT body FROM notes ORDER BY id").await.unwrap();
    assert_eq!(bodies, ["kept"]);
    assert_eq!(number(&mut other, NOTES).await, 0);
    transaction.rollback().await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 0);
    "ok"
}

async fn streams(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let query = "SELECT n FROM numbers ORDER BY n LIMIT ?".with((3000,));
    let mut rows = query.stream::<i64, _>(&mut connection).await.unwrap();
    let mut total = 0;
    while let Some(n) = rows.next().await {
        total += n.unwrap();
    }
    drop(rows);
    assert_eq!(total, 3000 * 3001 / 2);
    // Given up in the middle: the connection takes what is left and goes on.
    let mut rows = "SELECT n FROM numbers".stream::<i64, _>(&mut connection).await.unwrap();
    assert!(rows.next().await.is_some());
    drop(rows);
    assert_eq!(number(&mut connection, "SELECT 1").await, 1);
    "ok"
}

/// The driver has no cancel requests; another session asks the server to end what runs.
async fn cancel(place: &Place) -> &'static str {
    let (mut other, mut running) = (connect(place).await, connect(place).await);
    let connection = running.id();
    let sleeping = tokio::spawn(async move {
        let error = running.query_drop("SELECT SLEEP(60) FROM numbers").await.unwrap_err();
        assert_eq!(server(error).code, 1317);
        assert_eq!(number(&mut running, "SELECT 1").await, 1);
    });
    in_time("the statement to end", async {
        while !sleeping.is_finished() {
            other.query_drop(format!("KILL QUERY {connection}")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    sleeping.await.unwrap();
    "ok"
}

async fn change_user(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    connection.query_drop("SET @left = 7").await.unwrap();
    let same = ChangeUserOpts::new().with_db_name(Some(place.database.clone()));
    connection.change_user(same).await.unwrap();
    let left: Option<Value> = connection.query_first("SELECT @left").await.unwrap();
    assert_eq!(left, Some(Value::NULL));
    let (database, notes): (String, i64) =
        connection.query_first("SELECT DATABASE(), (SELECT count(*) FROM notes)").await.unwrap().unwrap();
    assert_eq!((database.as_str(), notes), (place.database.as_str(), 0));
    // Who fails to log in has no session any more, as at the server.
    let wrong = ChangeUserOpts::new().with_pass(Some("wrong".to_owned()));
    let error = connection.change_user(wrong).await.unwrap_err();
    assert_eq!(server(error).code, 1045);
    "ok"
}

async fn pool_hands_out_connections(place: &Place) -> &'static str {
    let pool = Pool::new(Opts::from(options(place)));
    for _round in 0..2 {
        let asked = (0..10).map(async |n| {
            let mut connection = pool.get_conn().await.unwrap();
            let found: Option<i64> = connection.exec_first("SELECT ?", (n,)).await.unwrap();
            found.unwrap()
        });
        assert_eq!(join_all(asked).await, (0..10).collect::<Vec<i64>>());
    }
    pool.disconnect().await.unwrap();
    "ok"
}

async fn errors_keep_their_class(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let insert = "INSERT INTO orders (id, customer_id, amount) VALUES (?, 1, 1)";
    let error = server(connection.exec_drop(insert, (1,)).await.unwrap_err());
    assert_eq!((error.code, error.state.as_str()), (1062, "23000"));
    let error = connection.exec_drop("SELECT ?", (1, 2)).await.unwrap_err();
    assert!(matches!(error, Error::Driver(DriverError::StmtParamsMismatch { .. })), "{error:?}");
    "ok"
}

async fn denial_when_idle(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut word = "ok";
    for simple in [true, false] {
        connection.query_drop("START TRANSACTION").await.unwrap();
        let ran = if simple {
            connection.query_drop(DENIED).await
        } else {
            connection.exec_drop(DENIED, Params::Empty).await
        };
        match ran {
            Ok(()) => word = "open",
            Err(error) => assert_refusal(error),
        }
        connection.query_drop("ROLLBACK").await.unwrap();
        assert_eq!(number(&mut connection, "SELECT 1").await, 1);
    }
    word
}

/// The transaction goes on, as it does after any error of the server.
async fn denial_in_a_transaction(place: &Place) -> &'static str {
    let mut connection = connect(place).await;
    let mut transaction = connection.start_transaction(TxOpts::default()).await.unwrap();
    transaction.exec_drop(INSERT, ("x",)).await.unwrap();
    let Err(error) = transaction.query_drop(DENIED).await else {
        transaction.rollback().await.unwrap();
        return "open";
    };
    assert_refusal(error);
    let count: Option<i64> = transaction.query_first(NOTES).await.unwrap();
    assert_eq!(count, Some(1));
    transaction.rollback().await.unwrap();
    assert_eq!(number(&mut connection, NOTES).await, 0);
    "ok"
}

async fn masked_column(place: &Place) -> &'static str {
    let query = "SELECT email FROM customers WHERE id = ?";
    let email: Option<String> = connect(place).await.exec_first(query, (7,)).await.unwrap();
    mask_word(&email.unwrap())
}

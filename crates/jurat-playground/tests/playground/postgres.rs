//! The playground as a client of PostgreSQL sees it, without Jurat.

use jurat_playground::{DATABASE, Playground, USER};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, types::Type};

const PASSWORD: &str = "a password of these tests";

struct Stand {
    playground: Playground,
    _dir: tempfile::TempDir,
}

impl Stand {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let playground = Playground::start(dir.path(), PASSWORD).await.unwrap();
        Self { playground, _dir: dir }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        let port = self.playground.postgres.port();
        config.host("127.0.0.1").port(port).user(USER).password(PASSWORD).dbname(DATABASE);
        config
    }

    async fn client(&self) -> Client {
        connect(&self.config()).await.unwrap()
    }
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The rows of a simple query with `|` between values, and each command's number of rows.
async fn simple(client: &Client, text: &str) -> Result<Vec<String>, String> {
    let messages = client.simple_query(text).await.map_err(|error| {
        error.as_db_error().map_or(error.to_string(), |told| told.code().code().to_owned())
    })?;
    let line = |message: &SimpleQueryMessage| {
        if let SimpleQueryMessage::Row(row) = message {
            let values = (0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned());
            return Some(values.collect::<Vec<_>>().join("|"));
        }
        if let SimpleQueryMessage::CommandComplete(count) = message {
            return Some(format!("done {count}"));
        }
        None
    };
    Ok(messages.iter().filter_map(line).collect())
}

#[tokio::test]
async fn postgresql_s_words_mean_what_they_mean_there() {
    let stand = Stand::new().await;
    let client = stand.client().await;
    for (text, expected) in [
        ("SELECT count(*) FROM public.customers", "20000"),
        (
            "SELECT id, email, card FROM customers ORDER BY id LIMIT 1",
            "1|ben.berg.1@mail.example|4000320099186416",
        ),
        (
            "SELECT created_at, created_at::date FROM customers WHERE id = 1",
            "2024-01-01 00:37:00+00|2024-01-01",
        ),
        (
            "SELECT pg_catalog.md5('a'), pg_catalog.\"left\"('abc', -1), \"right\"('abc', 2)",
            "0cc175b9c0f1b6a831c399e269772661|ab|bc",
        ),
        (
            "SELECT CAST('abcdef' AS CHARACTER VARYING(3)), 'x'::text OPERATOR(pg_catalog.||) 'y'::text",
            "abc|xy",
        ),
        (
            "SELECT pg_catalog.encode(pg_catalog.sha256((pg_catalog.convert_to('a', 'UTF8') || pg_catalog.convert_to('b', 'UTF8'))), 'hex')",
            "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603",
        ),
        ("SELECT 'ADA' LIKE 'ada', 'ADA' ILIKE 'a_a', 'ada' ~ '^a.a$', 'ada' !~* '^A'", "0|1|1|0"),
        ("SELECT 2 IN (1, 2), 2 = ANY (ARRAY[1, 2]), 2 <> ALL (ARRAY[1, 2])", "1|1|0"),
        (
            "SELECT string_agg(tier, ',' ORDER BY id DESC) FROM customers WHERE id < 4",
            "plus|free|free",
        ),
        (
            "SELECT extract(year from paid_at), date_trunc('month', paid_at) FROM payments WHERE id = 1",
            "2024|2024-02-01 00:00:00+00",
        ),
        (
            "SELECT substring('abcdef' from 2 for 3), position('c' in 'abc'), '42'::int + 1",
            "bcd|3|43",
        ),
        ("SELECT count(*) FILTER (WHERE tier = 'pro') FROM customers FOR UPDATE", "4000"),
        ("TABLE open_orders LIMIT 1", ""),
        ("SHOW server_version", "15.0 (Jurat playground, SQLite)"),
    ] {
        let rows = simple(&client, text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        if expected.is_empty() {
            assert_eq!(rows.len(), 2, "{text}");
        } else {
            assert_eq!(
                rows.first().map(|row| row.replace(',', "|")),
                Some(expected.replace(',', "|")),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn errors_have_postgresql_s_codes() {
    let stand = Stand::new().await;
    let client = stand.client().await;
    for (text, code) in [
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT nowhere FROM customers", "42703"),
        ("SELECT nowhere(1)", "42883"),
        ("SELEC 1", "0A000"),
        ("SELECT FROM WHERE", "42601"),
        ("SELECT 'x'::integer", "22P02"),
        ("SELECT '99999999999'::integer", "22003"),
        ("INSERT INTO customers SELECT * FROM customers WHERE id = 1", "23505"),
        ("INSERT INTO payments VALUES (50000, 999999, 1, 'card', now())", "23503"),
        ("UPDATE customers SET name = NULL WHERE id = 1", "23502"),
        ("CREATE TABLE customers (id integer)", "42P07"),
        ("ATTACH 'x' AS y", "0A000"),
        ("PRAGMA writable_schema = on", "0A000"),
        ("COPY customers TO STDOUT", "0A000"),
        ("SET search_path TO elsewhere", "0A000"),
    ] {
        assert_eq!(simple(&client, text).await, Err(code.to_owned()), "{text}");
    }
    assert_eq!(simple(&client, "SELECT 1").await.unwrap(), ["1", "done 1"]);
}

#[tokio::test]
async fn transactions_are_postgresql_s() {
    let stand = Stand::new().await;
    let (client, other) = (stand.client().await, stand.client().await);
    let tier = "SELECT tier FROM customers WHERE id = 1";
    let run = async |text: &str| simple(&client, text).await;
    run("BEGIN").await.unwrap();
    assert_eq!(run("UPDATE customers SET tier = 'x' WHERE id = 1").await.unwrap(), ["done 1"]);
    assert_eq!(simple(&other, tier).await.unwrap(), ["free", "done 1"], "not yet committed");
    run("SAVEPOINT a").await.unwrap();
    assert_eq!(run("SELECT 1 FROM nowhere").await, Err("42P01".to_owned()));
    assert_eq!(run("SELECT 1").await, Err("25P02".to_owned()), "the block has failed");
    run("ROLLBACK TO SAVEPOINT a").await.unwrap();
    assert_eq!(run(tier).await.unwrap(), ["x", "done 1"]);
    run("COMMIT").await.unwrap();
    assert_eq!(simple(&other, tier).await.unwrap(), ["x", "done 1"]);
    // COMMIT of a failed block rolls back, and so does an error in one message.
    run("BEGIN").await.unwrap();
    run("UPDATE customers SET tier = 'y' WHERE id = 1").await.unwrap();
    run("SELECT 1 FROM nowhere").await.unwrap_err();
    run("COMMIT").await.unwrap();
    run("UPDATE customers SET tier = 'z' WHERE id = 1; SELECT 1 FROM nowhere").await.unwrap_err();
    assert_eq!(run(tier).await.unwrap(), ["x", "done 1"]);
}

#[tokio::test]
async fn prepared_statements_are_described_and_typed() {
    let stand = Stand::new().await;
    let client = stand.client().await;
    let statement = client
        .prepare(
            "SELECT c.id, CAST(CASE WHEN c.name IS NULL THEN NULL ELSE '***' END AS TEXT) AS name, count(*), \
             c.created_at FROM public.customers AS c JOIN payments p ON p.customer_id = c.id \
             WHERE c.id = $1 AND p.amount_cents > $2::bigint AND c.tier LIKE $3 GROUP BY c.id LIMIT $4",
        )
        .await
        .unwrap();
    assert_eq!(statement.params(), [Type::INT4, Type::INT8, Type::TEXT, Type::INT8]);
    let types: Vec<_> = statement.columns().iter().map(|c| (c.name(), c.type_().clone())).collect();
    let expected = [
        ("id", Type::INT4),
        ("name", Type::TEXT),
        ("count", Type::INT8),
        ("created_at", Type::TIMESTAMPTZ),
    ];
    assert_eq!(types, expected);
    let rows = client.query(&statement, &[&18_i32, &1_i64, &"pl%", &5_i64]).await.unwrap();
    let row = rows.first().expect("a row");
    assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1), row.get::<_, i64>(2)), (18, "***", 2));
    // A write with parameters, and the table and column behind a result.
    let written = client
        .execute(
            "INSERT INTO orders (id, customer_id, status, ordered_at) VALUES ($1, $2, $3, now())",
            &[&50_000_i32, &1_i32, &"open"],
        )
        .await;
    assert_eq!(written.unwrap(), 1);
    let origin = client.prepare("SELECT email, upper(email) FROM customers").await.unwrap();
    let origins: Vec<_> =
        origin.columns().iter().map(|c| (c.table_oid().is_some(), c.column_id())).collect();
    assert_eq!(origins, [(true, Some(3)), (false, None)]);
}

#[tokio::test]
async fn the_lists_of_psql_and_of_tools_are_answered() {
    let stand = Stand::new().await;
    let client = stand.client().await;
    // As psql 15 asks for \dt.
    let dt = "SELECT n.nspname as \"Schema\", c.relname as \"Name\", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END as \"Type\", \
              pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\" FROM pg_catalog.pg_class c \
              LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam \
              WHERE c.relkind IN ('r','p','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' \
              AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2;";
    let tables = |rows: Vec<String>| {
        rows.into_iter().filter(|row| row.starts_with("public|")).collect::<Vec<_>>()
    };
    let expected = ["customers", "order_items", "orders", "payments"]
        .map(|name| format!("public|{name}|table|shop_app"));
    assert_eq!(tables(simple(&client, dt).await.unwrap()), expected);
    simple(&client, "CREATE TABLE notes (id serial PRIMARY KEY, body varchar(20) DEFAULT 'x', at timestamptz DEFAULT now())").await.unwrap();
    assert_eq!(tables(simple(&client, dt).await.unwrap()).len(), 5, "the catalog is of the moment");
    assert_eq!(
        simple(&client, "INSERT INTO notes (body) VALUES ('a') RETURNING id").await.unwrap(),
        ["1", "done 1"]
    );
    let columns = "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'notes'";
    let expected = [
        "id|integer|NO",
        "body|character varying(20)|YES",
        "at|timestamp with time zone|YES",
        "done 3",
    ];
    assert_eq!(simple(&client, columns).await.unwrap(), expected);
    assert_eq!(simple(&client, "DROP TABLE notes CASCADE").await.unwrap(), ["done 0"]);
}

#[tokio::test]
async fn only_the_one_user_with_the_password_gets_in() {
    let stand = Stand::new().await;
    for change in [
        |config: &mut Config| config.password("wrong").clone(),
        |config: &mut Config| config.user("postgres").clone(),
        |config: &mut Config| config.dbname("postgres").clone(),
    ] {
        let config = change(&mut stand.config());
        assert!(connect(&config).await.is_err());
    }
    assert!(stand.playground.postgres.ip().is_loopback());
}

#[tokio::test]
async fn writes_that_meet_wait_or_fail_and_are_counted() {
    let stand = Stand::new().await;
    let (client, other) = (stand.client().await, stand.client().await);
    let before = simple(&client, "SELECT playground_rows_written()").await.unwrap();
    let write = "UPDATE customers SET tier = 'x' WHERE id <= 3";
    let (first, second) = tokio::join!(simple(&client, write), simple(&other, write));
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (vec!["done 3".to_owned()], vec!["done 3".to_owned()])
    );
    let after = simple(&client, "SELECT playground_rows_written()").await.unwrap();
    assert_eq!(
        (before.first().map(String::as_str), after.first().map(String::as_str)),
        (Some("0"), Some("6"))
    );
}

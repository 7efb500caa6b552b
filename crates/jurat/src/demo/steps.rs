//! The steps that a client takes. Each compares what the client got through Jurat with what is really
//! there, read past Jurat.

use tokio_postgres::{Client, Error, SimpleQueryMessage, error::SqlState};

use super::tour::{Clients, Proof, Step};
use crate::exit::chain;

/// Rows as text, as `psql` would show them.
type Rows = Vec<Vec<String>>;

/// The columns of the first step that are masked.
const MASKED: [usize; 2] = [1, 2];

pub(super) async fn mask_rows(clients: &Clients) -> Step {
    const SQL: &str = "SELECT id, email, card FROM customers ORDER BY id LIMIT 3";
    let shown = rows(&clients.ana, SQL).await?;
    let real = rows(&clients.behind, SQL).await?;
    if shown.len() != 3 || column(&shown, 0) != column(&real, 0) {
        return Err(format!("ana got other rows than are there: {shown:?}"));
    }
    let raw: Vec<&str> = MASKED.iter().flat_map(|index| column(&real, *index)).collect();
    let count = none_shown(&shown, &raw)?;
    Ok(Proof {
        what: format!("ana: {SQL}"),
        proved: format!("3 rows, and none of {count} real values reached the client"),
        evidence: shown.iter().map(|row| row.join("  ")).collect(),
    })
}

pub(super) async fn mask_prepared_join(clients: &Clients) -> Step {
    const SQL: &str = "SELECT c.id, c.name, c.phone, p.amount_cents FROM customers AS c \
                       JOIN payments AS p ON p.customer_id = c.id WHERE c.id = $1 ORDER BY p.id";
    const CUSTOMER: i32 = 18;
    let shown = prepared(&clients.ana, SQL, CUSTOMER).await?;
    let real = prepared(&clients.behind, SQL, CUSTOMER).await?;
    let same = |a: &Rows, b: &Rows| column(a, 0) == column(b, 0) && column(a, 3) == column(b, 3);
    if shown.is_empty() || !same(&shown, &real) {
        return Err(format!("ana got other rows than are there: {shown:?}"));
    }
    let raw: Vec<&str> = column(&real, 1).into_iter().chain(column(&real, 2)).collect();
    let count = none_shown(&shown, &raw)?;
    Ok(Proof {
        what: "ana, prepared statement: customers JOIN payments … WHERE c.id = $1".to_owned(),
        proved: format!(
            "{} rows with the right amounts, and none of {count} real values reached the client",
            shown.len()
        ),
        evidence: shown.iter().map(|row| row.join("  ")).collect(),
    })
}

pub(super) async fn allow_report(clients: &Clients) -> Step {
    const SQL: &str = "SELECT i.product, sum(i.quantity) AS sold FROM orders AS o \
                       JOIN order_items AS i ON i.order_id = o.id WHERE o.status = 'shipped' \
                       GROUP BY i.product ORDER BY i.product";
    let shown = rows(&clients.ana, SQL).await?;
    if shown.is_empty() || shown != rows(&clients.behind, SQL).await? {
        return Err(format!("ana got another report than the database gives: {shown:?}"));
    }
    let figures: Vec<String> = shown.iter().map(|row| row.join(" ")).collect();
    Ok(Proof {
        what: "ana: sum(quantity) of orders JOIN order_items GROUP BY product".to_owned(),
        proved: format!("{} rows, the same as without Jurat", shown.len()),
        evidence: vec![figures.join(", ")],
    })
}

pub(super) async fn allow_one_row(clients: &Clients) -> Step {
    const SQL: &str = "UPDATE customers SET tier = 'pro' WHERE id = 1";
    const TIER: &str = "SELECT tier FROM customers WHERE id = 1";
    let before = one(&clients.behind, TIER).await?;
    let changed = clients.dan.simple_query(SQL).await.map_err(|error| words(&error))?;
    let after = one(&clients.behind, TIER).await?;
    let one_row = changed.iter().any(|m| matches!(m, SimpleQueryMessage::CommandComplete(1)));
    if !one_row || before == after || after != "pro" {
        return Err(format!("the tier was {before} and is {after}"));
    }
    Ok(Proof {
        what: format!("dan: {SQL}"),
        proved: format!("1 row changed behind Jurat, from {before} to {after}"),
        evidence: Vec::new(),
    })
}

pub(super) async fn deny_drop(clients: &Clients) -> Step {
    const SQL: &str = "DROP TABLE customers";
    const COUNT: &str = "SELECT count(*) FROM customers";
    let evidence = denied(&clients.dan, SQL).await?;
    let behind = one(&clients.behind, COUNT).await?;
    // The same session goes on.
    let through = one(&clients.dan, COUNT).await?;
    if behind != through {
        return Err(format!("{behind} customers are there, and dan counts {through}"));
    }
    Ok(Proof {
        what: format!("dan: {SQL}"),
        proved: format!("all {behind} rows are still there, and dan's session goes on"),
        evidence,
    })
}

pub(super) async fn deny_update_of_all(clients: &Clients) -> Step {
    const SQL: &str = "UPDATE customers SET tier = 'pro'";
    let evidence = unchanged(clients, &clients.dan, SQL).await?;
    Ok(Proof {
        what: format!("dan: {SQL}"),
        proved: "0 rows changed behind Jurat".to_owned(),
        evidence,
    })
}

pub(super) async fn deny_guessing(clients: &Clients) -> Step {
    const SQL: &str = "SELECT id FROM customers WHERE email LIKE 'ada.%'";
    let hits = rows(&clients.behind, SQL).await?.len();
    let evidence = denied(&clients.ana, SQL).await?;
    Ok(Proof {
        what: format!("ana: {SQL}"),
        proved: format!("none of {hits} hits reached the client, so a mask cannot be guessed"),
        evidence,
    })
}

/// Checks that a write is denied and that no row of the customers changed.
async fn unchanged(clients: &Clients, client: &Client, sql: &str) -> Result<Vec<String>, String> {
    let before = one(&clients.behind, clients.state).await?;
    let evidence = denied(client, sql).await?;
    if one(&clients.behind, clients.state).await? == before {
        Ok(evidence)
    } else {
        Err("rows changed behind Jurat although the statement was denied".to_owned())
    }
}

/// Sends a statement that must be denied, and returns what the client is told.
pub(super) async fn denied(client: &Client, sql: &str) -> Result<Vec<String>, String> {
    let Err(error) = client.simple_query(sql).await else {
        return Err(format!("it was not denied: {sql}"));
    };
    let Some(told) = error.as_db_error().filter(|e| *e.code() == SqlState::INSUFFICIENT_PRIVILEGE)
    else {
        return Err(format!("it was not denied but failed: {}", words(&error)));
    };
    let mut lines = vec![format!("ERROR: {}: {}", told.code().code(), told.message())];
    // The first line says what to do next, too; where it is cut off, the hint has it whole.
    lines.extend(
        told.hint()
            .filter(|hint| !told.message().contains(*hint))
            .map(|hint| format!("HINT:  {hint}")),
    );
    Ok(lines)
}

async fn rows(client: &Client, sql: &str) -> Result<Rows, String> {
    let messages = client.simple_query(sql).await.map_err(|error| words(&error))?;
    let mut rows = Vec::new();
    for message in &messages {
        if let SimpleQueryMessage::Row(row) = message {
            let values = (0..row.len()).map(|index| row.get(index).unwrap_or("NULL").to_owned());
            rows.push(values.collect());
        }
    }
    Ok(rows)
}

/// Runs a prepared statement whose columns are an integer, two texts and an integer.
async fn prepared(client: &Client, sql: &str, id: i32) -> Result<Rows, String> {
    let statement = client.prepare(sql).await.map_err(|error| words(&error))?;
    let found = client.query(&statement, &[&id]).await.map_err(|error| words(&error))?;
    let read = |row: &tokio_postgres::Row| {
        Ok(vec![
            row.try_get::<_, i32>(0)?.to_string(),
            row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
            row.try_get::<_, Option<String>>(2)?.unwrap_or_default(),
            row.try_get::<_, i32>(3)?.to_string(),
        ])
    };
    found.iter().map(read).collect::<Result<_, Error>>().map_err(|error| words(&error))
}

/// The one value of the one row.
pub(super) async fn one(client: &Client, sql: &str) -> Result<String, String> {
    rows(client, sql)
        .await?
        .into_iter()
        .flatten()
        .next()
        .ok_or_else(|| format!("no row came back: {sql}"))
}

fn column(rows: &Rows, index: usize) -> Vec<&str> {
    rows.iter().filter_map(|row| row.get(index)).map(String::as_str).collect()
}

/// Checks that no real value is anywhere in what was shown; returns how many were looked for.
fn none_shown(shown: &Rows, real: &[&str]) -> Result<usize, String> {
    if real.is_empty() || real.iter().any(|value| value.is_empty()) {
        return Err("there are no real values to look for".to_owned());
    }
    let seen = |value: &&&str| shown.iter().flatten().any(|cell| cell.contains(**value));
    match real.iter().filter(seen).count() {
        0 => Ok(real.len()),
        leaked => Err(format!("{leaked} real values reached the client")),
    }
}

pub(super) fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{}: {}", told.code().code(), told.message()),
        None => chain(error),
    }
}

//! The steps that a client takes. Each compares what the client got through Jurat with what is really
//! there, read past Jurat.

use super::{
    client::{Client, Protocol, Rows},
    tour::{Clients, Proof, Step},
};

/// The columns of the first step that are masked.
const MASKED: [usize; 2] = [1, 2];

pub(super) async fn mask_rows(clients: &Clients) -> Step {
    const SQL: &str = "SELECT id, email, card FROM customers ORDER BY id LIMIT 3";
    let shown = clients.ana.rows(SQL).await?;
    let real = clients.behind.rows(SQL).await?;
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
    const CUSTOMER: i32 = 18;
    let parameter = match clients.protocol {
        Protocol::Postgres => "$1",
        Protocol::Mysql => "?",
    };
    let sql = format!(
        "SELECT c.id, c.name, c.phone, p.amount_cents FROM customers AS c \
         JOIN payments AS p ON p.customer_id = c.id WHERE c.id = {parameter} ORDER BY p.id"
    );
    let shown = clients.ana.prepared(&sql, CUSTOMER).await?;
    let real = clients.behind.prepared(&sql, CUSTOMER).await?;
    let same = |a: &Rows, b: &Rows| column(a, 0) == column(b, 0) && column(a, 3) == column(b, 3);
    if shown.is_empty() || !same(&shown, &real) {
        return Err(format!("ana got other rows than are there: {shown:?}"));
    }
    let raw: Vec<&str> = column(&real, 1).into_iter().chain(column(&real, 2)).collect();
    let count = none_shown(&shown, &raw)?;
    Ok(Proof {
        what: format!(
            "ana, prepared statement: customers JOIN payments … WHERE c.id = {parameter}"
        ),
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
    let shown = clients.ana.rows(SQL).await?;
    if shown.is_empty() || shown != clients.behind.rows(SQL).await? {
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
    let before = clients.behind.one(TIER).await?;
    let changed = clients.dan.affected(SQL).await?;
    let after = clients.behind.one(TIER).await?;
    if changed != 1 || before == after || after != "pro" {
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
    let evidence = clients.dan.denied(SQL).await?;
    let behind = clients.behind.one(COUNT).await?;
    // The same session goes on.
    let through = clients.dan.one(COUNT).await?;
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
    let hits = clients.behind.rows(SQL).await?.len();
    let evidence = clients.ana.denied(SQL).await?;
    Ok(Proof {
        what: format!("ana: {SQL}"),
        proved: format!("none of {hits} hits reached the client, so a mask cannot be guessed"),
        evidence,
    })
}

/// Checks that a write is denied and that no row of the customers changed.
async fn unchanged(clients: &Clients, client: &Client, sql: &str) -> Result<Vec<String>, String> {
    let before = clients.behind.one(clients.state).await?;
    let evidence = client.denied(sql).await?;
    if clients.behind.one(clients.state).await? == before {
        Ok(evidence)
    } else {
        Err("rows changed behind Jurat although the statement was denied".to_owned())
    }
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

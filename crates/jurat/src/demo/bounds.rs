//! The steps about how much may happen, and who says so: a write that is counted before it is committed, consent
//! to one statement, a budget, and a frozen database.

use jurat_core::{Clock as _, SystemClock};

use super::tour::{Clients, Proof, Step, Tour};
use crate::{
    app::{AdminAction, AdminReply},
    cli,
};

/// Of the customers, those that a step of these has changed.
const GOLD: &str = "SELECT count(*) FROM customers WHERE tier = 'gold'";

/// What the shipped policies let an agent change in an hour.
const BUDGET: u32 = 10_000;
const BATCHES: u32 = 40;
const BATCH: u32 = 500;

pub(super) async fn stall(clients: &Clients) -> Step {
    const SQL: &str = "UPDATE customers SET tier = 'gold' WHERE id > 0";
    let evidence = clients.fixer.denied(SQL).await?;
    let changed = clients.behind.one(GOLD).await?;
    let counted = evidence.first().is_some_and(|line| line.contains("20000 rows"));
    if changed != "0" || !counted {
        return Err(format!(
            "{changed} rows changed behind Jurat, and fixer was told {evidence:?}"
        ));
    }
    Ok(Proof {
        what: format!("fixer, an agent that may write: {SQL}"),
        proved:
            "counted before COMMIT: exactly 20000 rows, taken back; 0 rows changed behind Jurat"
                .to_owned(),
        evidence,
    })
}

pub(super) async fn approve(clients: &Clients, tour: &Tour<'_>) -> Step {
    const SQL: &str = "UPDATE customers SET tier = 'gold' WHERE id = 2";
    const OTHER: &str = "UPDATE customers SET tier = 'gold' WHERE id = 4";
    let mut evidence = clients.bot.denied(SQL).await?;
    let id = request_in(&evidence)?;
    if clients.behind.one(GOLD).await? != "0" {
        return Err("rows changed behind Jurat before anybody had said yes".to_owned());
    }
    let reason = Some("asked for by the customer".to_owned());
    let answer = AdminAction::Answer { id: id.clone(), yes: true, reason };
    let AdminReply::Answered(item) = ask(tour, answer).await? else {
        return Err("the answer was not understood".to_owned());
    };
    evidence.push(format!("dan: jurat approvals approve {id}  →  {} is {}", item.id, item.state));
    // Another statement is not what was approved; the same one passes, and a second time it does not.
    clients.bot.denied(OTHER).await?;
    let passed = clients.bot.affected(SQL).await?;
    clients.bot.denied(SQL).await?;
    let changed = clients.behind.one(GOLD).await?;
    if (passed, changed.as_str()) != (1, "1") {
        return Err(format!("{passed} rows passed, and {changed} changed behind Jurat"));
    }
    evidence.push(
        "bot: the same statement  →  1 row; once more, or with another id  →  refused".to_owned(),
    );
    Ok(Proof {
        what: format!("bot, an agent of ana's: {SQL}"),
        proved:
            "waits for a person; dan's yes lets exactly that pass, once: 1 row changed behind Jurat"
                .to_owned(),
        evidence,
    })
}

pub(super) async fn budget(clients: &Clients) -> Step {
    let mut passed = 0;
    let mut evidence = Vec::new();
    for batch in 0..BATCHES {
        let first = batch.saturating_mul(BATCH).saturating_add(1);
        let last = first.saturating_add(BATCH).saturating_sub(1);
        let sql =
            format!("UPDATE customers SET tier = 'silver' WHERE id BETWEEN {first} AND {last}");
        match clients.fixer.affected(&sql).await {
            Ok(_) if evidence.is_empty() => passed += 1,
            Ok(_) => return Err(format!("batch {batch} passed after one was refused")),
            Err(_) if evidence.is_empty() => evidence = clients.fixer.denied(&sql).await?,
            Err(_) => {}
        }
    }
    let after = number(&clients.behind.one(SILVER).await?)?;
    if passed * BATCH != BUDGET || after != BUDGET {
        return Err(format!("{passed} batches passed, {after} rows changed"));
    }
    Ok(Proof {
        what: format!("fixer: {BATCHES} UPDATEs of {BATCH} rows each, one after the other"),
        proved: format!(
            "{passed} pass, and then the hour's budget of {BUDGET} rows is used up: exactly {after} rows \
             changed behind Jurat"
        ),
        evidence,
    })
}

/// Of the customers, those that the batches have changed.
const SILVER: &str = "SELECT count(*) FROM customers WHERE tier = 'silver'";

pub(super) async fn freeze(clients: &Clients, tour: &Tour<'_>) -> Step {
    const SQL: &str = "UPDATE customers SET tier = 'free' WHERE id = 1";
    const MINUTES: i64 = 10;
    let until_ns = SystemClock.now_ns().saturating_add(MINUTES * 60 * 1_000_000_000);
    let (database, reason) = (clients.database.to_owned(), "release 42 is going out".to_owned());
    let action = AdminAction::Freeze { database, reason, until_ns: Some(until_ns) };
    ask(tour, action).await?;
    let before = clients.behind.one(clients.state).await?;
    let evidence = clients.dan.denied(SQL).await?;
    let told = evidence.first().is_some_and(|line| line.contains("release 42"));
    let read = clients.dan.one("SELECT count(*) FROM customers").await?;
    let unchanged = clients.behind.one(clients.state).await? == before;
    ask(tour, AdminAction::Unfreeze { database: clients.database.to_owned() }).await?;
    let passed = clients.dan.affected(SQL).await?;
    if !told || !unchanged || read != "20000" || passed != 1 {
        return Err(format!(
            "told: {told}, unchanged: {unchanged}, {read} customers read, {passed} rows changed afterwards"
        ));
    }
    Ok(Proof {
        what: format!("dan: jurat admin freeze {} --until {MINUTES}m --reason …; {SQL}", clients.database),
        proved: "0 rows changed behind Jurat, and reads go on; after unfreeze the same UPDATE changes 1 row"
            .to_owned(),
        evidence,
    })
}

/// Consent is to a number of rows: with one row more the write is taken back.
pub(super) async fn exact(clients: &Clients, tour: &Tour<'_>) -> Step {
    const SQL: &str = "UPDATE customers SET tier = 'blue' WHERE tier = 'silver' AND id > 9900";
    const ONE_MORE: &str = "UPDATE customers SET tier = 'silver' WHERE id = 10001";
    const BLUE: &str = "SELECT count(*) FROM customers WHERE tier = 'blue'";
    let yes = async |evidence: &[String]| {
        let id = request_in(evidence)?;
        let answer = AdminAction::Answer { id: id.clone(), yes: true, reason: None };
        ask(tour, answer).await.map(|_answered| id)
    };
    let mut evidence = clients.clerk.denied(SQL).await?;
    let first = yes(&evidence).await?;
    evidence
        .push(format!("dan: jurat approvals approve {first}, for 100 rows; then a row is added"));
    clients.behind.affected(ONE_MORE).await?;
    let again = clients.clerk.denied(SQL).await?;
    let untouched = clients.behind.one(BLUE).await?;
    let second = yes(&again).await?;
    let asked = |told: &[String], rows: &str| told.first().is_some_and(|line| line.contains(rows));
    let numbers = asked(&evidence, "100 rows") && asked(&again, "101 rows");
    evidence.extend(again.into_iter().take(1));
    let passed = clients.clerk.affected(SQL).await?;
    let changed = clients.behind.one(BLUE).await?;
    if !numbers || second == first || untouched != "0" || (passed, changed.as_str()) != (101, "101")
    {
        return Err(format!(
            "{untouched} rows changed before, {passed} passed, {changed} changed: {evidence:?}"
        ));
    }
    Ok(Proof {
        what: format!("clerk, an agent of ana's: {SQL}"),
        proved: "dan's yes is to 100 rows; at 101 it is taken back, 0 rows changed, and asked for \
                 anew; after a yes to 101 it passes"
            .to_owned(),
        evidence,
    })
}

/// Asks as dan, over the socket that `jurat approvals` and `jurat admin` use.
async fn ask(tour: &Tour<'_>, action: AdminAction) -> Result<AdminReply, String> {
    let (socket, token) = (tour.files.socket(), tour.files.token());
    let asking = tokio::task::spawn_blocking(move || cli::ask(&socket, &token, action));
    asking.await.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())
}

/// The request that a refusal names: `AP-` and eight letters or digits.
fn request_in(told: &[String]) -> Result<String, String> {
    let mut words =
        told.iter().flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '-'));
    let found = words.find(|word| word.starts_with("AP-"));
    found.map(str::to_owned).ok_or_else(|| format!("no request is named: {told:?}"))
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_no_number| format!("{text} is no number"))
}

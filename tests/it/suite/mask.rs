//! Threat: a protected value gets out by another name, in another shape, or one bit at a time.
//!
//! Each case is first run without Jurat, where it gives the value away, and then through Jurat in both
//! protocols and both formats. It may be refused or it may run masked; no byte that comes back may hold a
//! protected value (the numbers are those of the bypass catalogue).

use crate::harness::{Shop, Wire, canary, cluster, wire::Reply};

mod cases;
mod children;
mod detectors;
mod filters;
mod generated;
mod in_place;
pub(super) mod methods;
mod predicates;
mod shapes;
mod sideways;
mod views;

/// What must become of a statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// It runs, and what it shows is masked.
    Masked,
    /// Jurat refuses it.
    Denied,
    /// It runs masked, or it fails.
    Safe,
}

/// What a statement does without Jurat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directly {
    /// Its result holds a protected value.
    Leaks,
    /// It runs, and tells about protected values without showing one: a count, an order, a yes or no.
    Tells,
    /// It fails, or it cannot be shown in one statement.
    Other,
}

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// Statements of one session, in order; the last ones show the value.
    texts: &'static [&'static str],
    directly: Directly,
    fate: Fate,
}

#[tokio::test]
async fn reading_a_protected_column_under_any_name_shows_masks() {
    every(cases::READING).await;
}

#[tokio::test]
async fn a_whole_row_gives_no_column_away() {
    every(cases::WHOLE_ROW).await;
}

#[tokio::test]
async fn computing_with_a_protected_column_gives_nothing_away() {
    every(cases::COMPUTING).await;
}

#[tokio::test]
async fn asking_about_a_protected_column_is_refused() {
    every(sideways::ASKING).await;
}

#[tokio::test]
async fn writing_a_protected_column_elsewhere_is_refused() {
    every(sideways::WRITING).await;
}

#[tokio::test]
async fn names_of_statements_and_cursors_are_no_way_around() {
    every(sideways::NAMED).await;
}

#[tokio::test]
async fn side_channels_of_the_server_are_closed() {
    every(sideways::SIDE).await;
}

async fn every(cases: &[Case]) {
    every_with("", cases).await;
}

/// Runs the cases in a shop in which some more exists; `definitions` is SQL.
async fn every_with(definitions: &str, cases: &[Case]) {
    let Some(shop) = Shop::usual().await else { return };
    for database in [&shop.database, &shop.twin] {
        let admin = shop.cluster.connect(cluster::ADMIN, database).await;
        admin.batch_execute(definitions).await.unwrap();
    }
    let mut failed = Vec::new();
    for case in cases {
        if let Err(what) = check(&shop, case).await {
            failed.push(format!("{}: {what}\n    {}", case.name, case.texts.join("; ")));
        }
    }
    shop.close().await;
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

async fn check(shop: &Shop, case: &Case) -> Result<(), String> {
    shows_directly(shop, case).await?;
    for (protocol, format) in [("simple", 0), ("extended, text", 0), ("extended, binary", 1)] {
        let mut wire = shop.wire("ana").await;
        let mut replies = Vec::new();
        for text in case.texts {
            replies.push(match protocol {
                "simple" => wire.run(text).await,
                _ => wire.run_extended(text, format).await,
            });
        }
        if let Some(found) = canary::find(&wire.received) {
            return Err(format!("{protocol}: leaked {found}"));
        }
        fate(&replies, case.fate).map_err(|what| format!("{protocol}: {what}"))?;
        if wire.run("ROLLBACK").await.0.is_empty()
            || wire.run("SELECT 1").await.tags() != "T D C ZI"
        {
            return Err(format!("{protocol}: the session does not live on"));
        }
    }
    Ok(())
}

async fn shows_directly(shop: &Shop, case: &Case) -> Result<(), String> {
    let mut direct: Wire = shop.direct_wire().await;
    // Taken back in the end, so that one case does not change what the next one finds.
    let own_transaction = !case.texts[0].starts_with("BEGIN");
    if own_transaction {
        direct.run("BEGIN").await;
    }
    let mut replies = Vec::new();
    for text in case.texts {
        replies.push(direct.run(text).await);
    }
    let error = replies.iter().find_map(Reply::error);
    direct.run("ROLLBACK").await;
    let leaks = canary::find(&direct.received).is_some();
    match case.directly {
        Directly::Leaks if !leaks => Err(format!("directly it does not leak: {error:?}")),
        Directly::Tells if error.is_some() => Err(format!("directly it fails: {error:?}")),
        Directly::Leaks | Directly::Tells | Directly::Other => Ok(()),
    }
}

/// The refusals that a client may get for its statement; anything else is a failure of the database.
const REFUSALS: [&str; 4] = ["42501", "42601", "0A000", "26000"];

fn fate(replies: &[Reply], wanted: Fate) -> Result<(), String> {
    let refused = replies.iter().find_map(Reply::error);
    let by_jurat = refused.as_ref().is_some_and(|error| {
        REFUSALS.contains(&error.code()) && error.message().starts_with("jurat ")
    });
    match (wanted, refused) {
        (Fate::Masked, None) => {
            let rows = replies.last().map(|reply| reply.rows().len()).unwrap_or_default();
            if rows == 0 { Err("it ran and showed no row".to_owned()) } else { Ok(()) }
        }
        // An error of the database is as good as a refusal where it gives nothing away.
        (Fate::Safe, _) => Ok(()),
        (Fate::Denied, Some(_)) if by_jurat => Ok(()),
        (Fate::Denied, None) => Err("it ran".to_owned()),
        (_, Some(error)) => Err(format!("{error} {}", error.detail())),
    }
}

#[tokio::test]
async fn masks_show_the_part_that_the_policy_keeps() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    let query = "SELECT id, email, ssn, card, name FROM customers WHERE id = 7";
    let simple = wire.run(query).await.rows();
    let extended = wire.run_extended(query, 0).await.rows();
    assert_eq!(simple, extended);
    let [id, email, ssn, card, name] = &simple[0][..] else { panic!("{simple:?}") };
    assert_eq!((id.as_deref(), name.as_deref()), (Some("7"), Some("Customer 7")));
    assert!(email.as_deref().unwrap().ends_with("@leak.example"), "{email:?}");
    assert!(card.as_deref().unwrap().ends_with("0007"), "{card:?}");
    assert!(!ssn.as_deref().unwrap_or_default().contains("0007"), "{ssn:?}");
    // Who may read personal data reads it, on the same database at the same time.
    let mut reader = shop.wire("priya").await;
    let raw = reader.run(query).await.rows();
    assert_eq!(raw[0][1].as_deref(), Some("canary7@leak.example"));
    shop.close().await;
}

#[tokio::test]
async fn masks_keep_types_names_and_other_columns() {
    let Some(shop) = Shop::usual().await else { return };
    let (session, direct) = (shop.connect("ana").await, shop.direct().await);
    for query in [
        "SELECT * FROM customers",
        "SELECT c.*, o.note FROM customers c JOIN orders o ON o.customer_id = c.id",
        "SELECT email AS e, upper(name) FROM customers",
    ] {
        let (masked, raw) =
            (session.prepare(query).await.unwrap(), direct.prepare(query).await.unwrap());
        let shape = |statement: &tokio_postgres::Statement| -> Vec<(String, String)> {
            statement
                .columns()
                .iter()
                .map(|c| (c.name().to_owned(), c.type_().to_string()))
                .collect()
        };
        assert_eq!(shape(&masked), shape(&raw), "{query}");
        let (masked, raw) =
            (session.query(&masked, &[]).await.unwrap(), direct.query(&raw, &[]).await.unwrap());
        assert_eq!(masked.len(), raw.len(), "{query}");
    }
    let names: Vec<String> = session
        .query("SELECT * FROM customers ORDER BY id", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<_, String>("name"))
        .collect();
    assert_eq!(names[6], "Customer 7");
    shop.close().await;
}

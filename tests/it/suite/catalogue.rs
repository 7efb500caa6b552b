//! Threat: every way of getting at protected values in the catalogue of attacks (the rows PARSE, REND, MASK, INF,
//! META, SIDE, and the numbered cases of the notes on SQL), and those found since.
//!
//! Each attack first runs without Jurat, where it must work. Through Jurat it may be refused or show masks; no byte
//! that comes back may hold a protected value, in any spelling, and no question about one may be answered. The
//! record then has to account for everything that ran, and holds no protected value either. Which of refusal and
//! mask it is does not matter here, so that these tests stay true when a refusal becomes a mask.

use crate::harness::{Setup, Shop, Wire, canary, wire::Reply};

mod hidden;
mod inference;
mod laundering;
mod numbered;
mod own_words;
mod reading;
mod second_line;
mod side_effects;

/// One attack.
struct Attack {
    /// The row of the catalogue, or the number among the cases of the notes on SQL.
    row: &'static str,
    directly: Directly,
    /// Statements of one session, in order.
    texts: &'static [&'static str],
}

/// What an attack does without Jurat, which it must not do through it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directly {
    /// It shows a protected value. Through Jurat it shows a mask, or it is refused.
    Leaks,
    /// Its rows tell something about protected values. Through Jurat it tells something else, or it is refused.
    Tells,
    /// It does something. Through Jurat it is refused.
    Acts,
    /// It is harmless, and must stay so when its text is written anew: all columns but the last, which is masked,
    /// show the same through Jurat, or it is refused.
    Keeps,
    /// It needs something that this database does not have. Through Jurat nothing leaks.
    Fails,
}

const fn leaks(row: &'static str, texts: &'static [&'static str]) -> Attack {
    Attack { row, directly: Directly::Leaks, texts }
}

const fn tells(row: &'static str, texts: &'static [&'static str]) -> Attack {
    Attack { row, directly: Directly::Tells, texts }
}

const fn acts(row: &'static str, texts: &'static [&'static str]) -> Attack {
    Attack { row, directly: Directly::Acts, texts }
}

const fn keeps(row: &'static str, texts: &'static [&'static str]) -> Attack {
    Attack { row, directly: Directly::Keeps, texts }
}

const fn fails(row: &'static str, texts: &'static [&'static str]) -> Attack {
    Attack { row, directly: Directly::Fails, texts }
}

/// Protects what the further objects hold.
const POLICY: &str = r#"package jurat.catalogue

masks contains {"id": "catalogue", "column": column, "method": "null"} if {
	input.stage == "statement"
	some column in [
		"public.a_name_as_long_as_names_can_be_which_is_sixty_three_bytes_long_.address", "public.late.address",
		"public.members.ssn", "public.people.address", "public.subscriptions.address", "public.typed.bytes",
		"public.typed.data", "public.typed.list",
	]
}
"#;

/// A shop with everything that attacks need.
async fn shop() -> Option<Shop> {
    let setup = Setup { objects: include_str!("catalogue/objects.sql"), ..Setup::default() };
    Shop::open(setup.policy("catalogue.rego", POLICY)).await
}

async fn every(attacks: &[Attack]) {
    let Some(shop) = shop().await else { return };
    let digests = digests(&shop).await;
    let mut direct = shop.direct_wire().await;
    let mut sessions = [shop.wire("ana").await, shop.wire("ana").await];
    let mut failed = Vec::new();
    for attack in attacks {
        let mut problems = Vec::new();
        let shown = directly(&mut direct, attack).await;
        for (session, protocol) in sessions.iter_mut().zip(["simple", "extended"]) {
            let result = match &shown {
                Ok(shown) => through_jurat(session, attack, protocol, shown, &digests).await,
                Err(problem) => Err(format!("directly: {problem}")),
            };
            problems.extend(result.err().map(|problem| format!("{protocol}: {problem}")));
            if !alive(session, attack).await {
                problems.push(format!("{protocol}: the session does not live on"));
                *session = shop.wire("ana").await;
            }
        }
        if !problems.is_empty() {
            failed.push(format!(
                "{} `{}`\n    {}",
                attack.row,
                attack.texts.join("; "),
                problems.join("\n    ")
            ));
        }
    }
    drop(sessions);
    shop.close().await;
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), attacks.len(), failed.join("\n"));
}

/// The digests of all protected values, which no reply may hold either.
async fn digests(shop: &Shop) -> Vec<String> {
    let query = "SELECT unnest(ARRAY[md5(v), encode(sha224(b), 'hex'), encode(sha256(b), 'hex'), encode(sha384(b), 'hex'),
            encode(sha512(b), 'hex'), encode(sha256(b), 'base64')])
        FROM (SELECT v, v::bytea AS b FROM customers c, unnest(ARRAY[c.email, c.ssn, c.card, upper(c.email)]) v) q";
    let rows = shop.direct().await.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs an attack without Jurat and takes it back.
async fn directly(direct: &mut Wire, attack: &Attack) -> Result<Vec<Vec<Option<String>>>, String> {
    direct.forget();
    if !attack.texts[0].starts_with("BEGIN") {
        direct.run("BEGIN").await;
    }
    let mut replies = Vec::new();
    for text in attack.texts {
        replies.push(direct.run(text).await);
    }
    let leaked = canary::find(&direct.received).is_some();
    direct.run("ROLLBACK").await;
    direct.run("DISCARD ALL").await;
    let error = replies.iter().find_map(Reply::error);
    match (attack.directly, error) {
        (Directly::Leaks, error) if !leaked => Err(format!("it does not leak: {error:?}")),
        (Directly::Tells | Directly::Acts | Directly::Keeps, Some(error)) => {
            Err(format!("it fails: {error:?}"))
        }
        (Directly::Fails, None) => Err("it works".to_owned()),
        (
            Directly::Leaks | Directly::Tells | Directly::Acts | Directly::Keeps | Directly::Fails,
            _,
        ) => Ok(replies.last().map(Reply::rows).unwrap_or_default()),
    }
}

async fn through_jurat(
    session: &mut Wire,
    attack: &Attack,
    protocol: &str,
    shown: &[Vec<Option<String>>],
    digests: &[String],
) -> Result<(), String> {
    session.forget();
    let mut replies = Vec::new();
    for text in attack.texts {
        replies.push(match protocol {
            "simple" => session.run(text).await,
            _ => session.run_extended(text, 0).await,
        });
    }
    let found = canary::find(&session.received);
    if let Some(found) = found.or_else(|| canary::find_any(&session.received, digests)) {
        return Err(format!("leaked {found}"));
    }
    let error = replies.iter().find_map(Reply::error);
    let rows = replies.last().map(Reply::rows).unwrap_or_default();
    let copied = replies.iter().any(|reply| !reply.copied().is_empty());
    match attack.directly {
        _ if error.is_some() => Ok(()),
        Directly::Leaks if rows.is_empty() && !copied => Err("it showed nothing".to_owned()),
        Directly::Tells if rows == shown => Err(format!("it was answered: {rows:?}")),
        Directly::Acts => Err("it was done".to_owned()),
        Directly::Keeps if but_last(&rows) != but_last(shown) => {
            Err(format!("it reads differently: {rows:?} and not {shown:?}"))
        }
        Directly::Leaks | Directly::Tells | Directly::Keeps | Directly::Fails => Ok(()),
    }
}

fn but_last(rows: &[Vec<Option<String>>]) -> Vec<&[Option<String>]> {
    rows.iter().map(|row| row.split_last().map_or(&[][..], |(_, rest)| rest)).collect()
}

/// Whether a session still works; it is made like new. What DISCARD takes away is read again, which costs time,
/// so it is left out where nothing can be left.
async fn alive(session: &mut Wire, attack: &Attack) -> bool {
    session.run("ROLLBACK").await;
    if attack.texts.len() > 1 || attack.texts[0].contains("set_config") {
        session.run("DISCARD ALL").await;
    }
    session.run("SELECT 1").await.tags() == "T D C ZI"
}

/// Rows that are tested elsewhere, and where.
const ELSEWHERE: [(&str, &str); 6] = [
    ("PARSE-06", "misread.rs"),
    ("PARSE-14", "tests/coverage"),
    ("MASK-17", "psql.rs"),
    ("SIDE-10", "wire/start_up.rs"),
    ("SIDE-11", "limits on rows"),
    ("SIDE-12", "limits on rows"),
];

/// The numbered cases that are about other databases.
const NOT_POSTGRESQL: [u32; 16] = [57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 72, 73];

fn all() -> Vec<&'static Attack> {
    [
        reading::PARSE,
        reading::REND,
        laundering::READ,
        laundering::MOVED,
        inference::INF,
        inference::META,
        side_effects::SIDE,
        hidden::IMPLICIT,
        numbered::FIRST,
        numbered::SECOND,
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_row_of_the_catalogue_has_its_attacks() {
    let attacks = all();
    let document = include_str!("../../../docs/attacks.md");
    let mut missing = Vec::new();
    for (table, rows) in
        [("PARSE", 14), ("REND", 4), ("MASK", 18), ("INF", 8), ("META", 5), ("SIDE", 12)]
    {
        for row in (1..=rows).map(|row| format!("{table}-{row:02}")) {
            let tested = attacks.iter().any(|attack| attack.row == row);
            if tested == ELSEWHERE.iter().any(|(known, _)| *known == row) {
                missing.push(format!("{row} has no attack, or is said to be tested elsewhere"));
            }
            if !document.contains(&format!("| {row} |")) {
                missing.push(format!("{row} is not in docs/attacks.md"));
            }
        }
    }
    for number in (1..=75).filter(|number| !NOT_POSTGRESQL.contains(number)) {
        if !attacks.iter().any(|attack| attack.row == format!("{number}")) {
            missing.push(format!("case {number} has no attack"));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

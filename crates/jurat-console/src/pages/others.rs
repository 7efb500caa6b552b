//! Databases with their counters, and the policies in force.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use jurat_core::{DatabaseStats, Freeze, card};
use jurat_types::TimeFacts;
use maud::{Markup, html};

use super::{csrf, document, failed, moment, not_done};
use crate::{
    Console,
    visitor::{Posted, Visitor},
};

/// The word for something that has one in the configuration.
fn word(value: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).unwrap_or_default();
    word.as_str().unwrap_or("?").to_owned()
}

pub(crate) async fn databases(State(console): State<Arc<Console>>, visitor: Visitor) -> Response {
    let stats = match console.admin.stats(&visitor.principal).await {
        Ok(stats) => stats,
        Err(error) => return not_done(&visitor, &error),
    };
    let frozen = console.admin.frozen();
    let body = html! {
        h1 { "Databases" }
        div #live {
            @for database in &stats.databases {
                @let freeze = frozen.iter().find(|freeze| freeze.database == database.database);
                (one_database(database, freeze, console.admin.freezes.is_some(), &visitor))
            }
        }
    };
    document("Databases", Some(&visitor), "sessions", body).into_response()
}

fn one_database(
    database: &DatabaseStats,
    freeze: Option<&Freeze>,
    can_freeze: bool,
    visitor: &Visitor,
) -> Markup {
    let name = &database.database;
    let of = |wanted: &[&str]| -> u64 {
        let counts = database.counted.statements.iter();
        counts.filter(|(_, effect, _)| wanted.contains(effect)).map(|(.., count)| count).sum()
    };
    let sessions: usize = database.sessions.values().sum();
    html! {
        section.panel {
            h2 { (card::plain(name)) }
            dl.figures {
                div { dt { "Sessions" } dd { (sessions) } }
                div { dt { "Statements" } dd { (database.counted.judged) } }
                div { dt { "Rewritten" } dd { (of(&["rewrite"])) } }
                div { dt { "Denied" } dd { (of(&["deny"])) } }
                div { dt { "Put up for approval" } dd { (of(&["require_approval"])) } }
            }
            @if let Some(freeze) = freeze {
                p.notice {
                    "Writes are stopped by " (card::plain(&freeze.by)) ": " (card::plain(&freeze.reason))
                    @if let Some(until) = freeze.until_ns { " (until " (moment(&TimeFacts::utc(until).rfc3339)) ")" }
                }
                form method="post" action={ "/databases/" (segment(name)) "/unfreeze" } {
                    (csrf(visitor)) button.primary { "Let writes go on" }
                }
            } @else if can_freeze {
                form.inline method="post" action={ "/databases/" (segment(name)) "/freeze" } {
                    (csrf(visitor))
                    label for={ "why-" (name) } { "Reason" }
                    input id={ "why-" (name) } name="reason" required maxlength="500";
                    button.danger { "Stop writes" }
                }
            }
        }
    }
}

/// A name as one part of a path.
fn segment(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    part
}

pub(crate) async fn freeze(
    State(console): State<Arc<Console>>,
    Path(name): Path<String>,
    posted: Posted,
) -> Response {
    let Posted { visitor, .. } = &posted;
    let Some(reason) = posted.field("reason") else {
        let why = "Say why writes are to stop: clients are told.";
        return failed(Some(visitor), axum::http::StatusCode::UNPROCESSABLE_ENTITY, why);
    };
    let who = (&visitor.principal, "console");
    match console.admin.freeze(who, (&name, &reason), None).await {
        Ok(_freeze) => Redirect::to("/databases").into_response(),
        Err(error) => not_done(visitor, &error),
    }
}

pub(crate) async fn unfreeze(
    State(console): State<Arc<Console>>,
    Path(name): Path<String>,
    posted: Posted,
) -> Response {
    let Posted { visitor, .. } = &posted;
    match console.admin.unfreeze((&visitor.principal, "console"), &name).await {
        Ok(_was) => Redirect::to("/databases").into_response(),
        Err(error) => not_done(visitor, &error),
    }
}

pub(crate) async fn policies(State(console): State<Arc<Console>>, visitor: Visitor) -> Response {
    let view = match console.admin.policies(&visitor.principal).await {
        Ok(view) => view,
        Err(error) => return not_done(&visitor, &error),
    };
    let body = html! {
        h1 { "Policies" }
        div #live {
            p { "Revision " code { (view.revision) } ", " (view.files) " files, " (view.rules) " rules." }
            @if let Some(stale) = &view.stale {
                p.notice role="alert" { "The newest files are not in force: " (card::plain(stale)) }
            }
            div.wide tabindex="0" role="region" aria-label="Packages" {
                table {
                    caption { "Packages" }
                    thead { tr { th scope="col" { "Package" } th scope="col" { "Mode" } th.number scope="col" { "Rules" } } }
                    tbody { @for package in &view.packages { tr {
                        th scope="row" { code { (package.package) } }
                        td { (word(&package.mode)) }
                        td.number { (package.rules) }
                    } } }
                }
            }
        }
        form method="post" action="/policies/reload" {
            (csrf(&visitor)) button { "Read policies and users again" }
        }
    };
    document("Policies", Some(&visitor), "", body).into_response()
}

pub(crate) async fn reload(State(console): State<Arc<Console>>, posted: Posted) -> Response {
    let Posted { visitor, .. } = &posted;
    match console.admin.reload((&visitor.principal, "console")).await {
        Ok(done) if done.errors.is_empty() => Redirect::to("/policies").into_response(),
        Ok(done) => {
            failed(Some(visitor), axum::http::StatusCode::CONFLICT, &done.errors.join("; "))
        }
        Err(error) => not_done(visitor, &error),
    }
}

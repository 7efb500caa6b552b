//! The pages of the console. What others have written is shown by [`card::plain`], and maud escapes it.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jurat_core::{AdminError, ApprovalAnswer, ApprovalState, DecideError, SessionView, card};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::{
    Console,
    visitor::{Posted, Visitor},
};

mod approval;
mod others;

pub(crate) use others::{databases, freeze, policies, reload, unfreeze};

/// The pages, with their names.
const PAGES: [(&str, &str); 4] = [
    ("/approvals", "Approvals"),
    ("/sessions", "Sessions"),
    ("/databases", "Databases"),
    ("/policies", "Policies"),
];

/// A whole page. `live` names what it shows that changes by itself; the script looks again then.
pub(crate) fn document(
    title: &str,
    visitor: Option<&Visitor>,
    live: &str,
    body: Markup,
) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Jurat" }
                link rel="stylesheet" href="/console.css";
                @if visitor.is_some() { script src="/console.js" defer {} }
            }
            body data-live=(live) {
                a.skip href="#main" { "To the content" }
                header {
                    span.name { "Jurat" }
                    @if let Some(visitor) = visitor {
                        nav aria-label="Pages" {
                            @for (path, name) in PAGES {
                                a href=(path) aria-current=[is_current(name, title).then_some("page")] { (name) }
                            }
                        }
                        form.who method="post" action="/logout" {
                            (csrf(visitor))
                            span { (card::plain(&visitor.principal.id)) }
                            button { "Log out" }
                        }
                    }
                }
                main #main tabindex="-1" { (body) }
                footer { span #state role="status" {} }
            }
        }
    };
    Html(page.into_string())
}

/// Whether a page belongs to one of those in the navigation: a card is one of the approvals.
fn is_current(name: &str, title: &str) -> bool {
    name == title || (name == "Approvals" && title.starts_with("AP-"))
}

/// The token that every form has.
fn csrf(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="csrf" value=(visitor.csrf); }
}

/// A page that says why something was not done.
pub(crate) fn failed(visitor: Option<&Visitor>, status: StatusCode, why: &str) -> Response {
    let body = html! {
        section.narrow {
            h1 { (status.canonical_reason().unwrap_or("That did not work")) }
            p.notice role="alert" { (card::plain(why)) }
            p { a href="/approvals" { "To the approvals" } }
        }
    };
    (status, document("Not done", visitor, "", body)).into_response()
}

fn not_done(visitor: &Visitor, error: &AdminError) -> Response {
    let status = status_of(error);
    if status.is_server_error() {
        tracing::error!(%error, "the console could not do something");
    }
    failed(Some(visitor), status, &format!("{error}."))
}

/// The status of HTTP that says the same.
pub(crate) const fn status_of(error: &AdminError) -> StatusCode {
    match error {
        AdminError::NoRight { .. } | AdminError::Answer(DecideError::NoRight { .. }) => {
            StatusCode::FORBIDDEN
        }
        AdminError::Unknown(_) | AdminError::Answer(DecideError::Unknown(_)) => {
            StatusCode::NOT_FOUND
        }
        AdminError::Answer(DecideError::Vote(..)) | AdminError::NotConfigured(_) => {
            StatusCode::CONFLICT
        }
        AdminError::Answer(DecideError::Unrecorded | DecideError::Store(_))
        | AdminError::Unrecorded
        | AdminError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        AdminError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) fn add_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Which requests are shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    /// Also those that are over.
    #[serde(default)]
    all: Option<String>,
}

pub(crate) async fn approvals(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Query(which): Query<Which>,
) -> Response {
    let all = which.all.is_some();
    match console.admin.approvals(&visitor.principal, !all).await {
        Ok(list) => {
            let body = approval::queue(&list, all);
            document("Approvals", Some(&visitor), "approvals", body).into_response()
        }
        Err(error) => not_done(&visitor, &error),
    }
}

pub(crate) async fn approval(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    match console.admin.approval(&visitor.principal, &id).await {
        Ok(one) => {
            let asks = one.state == ApprovalState::Pending
                && console.admin.may_answer(&one, &visitor.principal).await;
            let body = approval::card(&one, asks.then(|| csrf(&visitor)));
            document(&one.id, Some(&visitor), "approvals", body).into_response()
        }
        Err(error) => not_done(&visitor, &error),
    }
}

pub(crate) async fn approve(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Response {
    answer(&console, id, true, posted).await
}

pub(crate) async fn deny(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Response {
    answer(&console, id, false, posted).await
}

async fn answer(console: &Arc<Console>, id: String, yes: bool, posted: Posted) -> Response {
    let answer = ApprovalAnswer { id, yes, reason: posted.field("reason") };
    let who = posted.visitor.principal.clone();
    tracing::info!(by = who.id, id = answer.id, yes, "an answer in the console");
    match console.admin.answer(who, answer, "console").await {
        Ok(one) => Redirect::to(&format!("/approvals/{}", one.id)).into_response(),
        Err(error) => not_done(&posted.visitor, &error),
    }
}

pub(crate) async fn sessions(State(console): State<Arc<Console>>, visitor: Visitor) -> Response {
    let sessions = console.admin.sessions(&visitor.principal).await;
    let body = html! {
        h1 { "Sessions" }
        p.aside { "Your own, and everybody's where you look after Jurat. The statement is the one that was judged last." }
        div #live {
            @if sessions.is_empty() { p.empty { "Nobody is connected that you may see." } }
            @else { (session_table(&sessions, &visitor)) }
        }
    };
    document("Sessions", Some(&visitor), "sessions", body).into_response()
}

fn session_table(sessions: &[SessionView], visitor: &Visitor) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Sessions" {
            table {
                caption { (sessions.len()) " open" }
                thead { tr {
                    th scope="col" { "Who" } th scope="col" { "Database" } th scope="col" { "State" }
                    th scope="col" { "Last statement" } th.number scope="col" { "Statements" }
                    th.number scope="col" { "Denied" } th.number scope="col" { "Rows read" }
                    th.number scope="col" { "Rows written" } th scope="col" { "End it" }
                } }
                tbody { @for session in sessions { tr {
                    th scope="row" {
                        (card::plain(&session.principal)) " " span.tag { (kind(session.kind)) }
                        @if let Some(human) = &session.on_behalf_of { br; small { "for " (card::plain(human)) } }
                        br; small { (session.client_addr) @if !session.tls { ", not encrypted" } }
                        @if let Some(name) = &session.application {
                            br; small { "calls itself " (card::plain(name)) }
                        }
                    }
                    td { (card::plain(&session.database)) }
                    td {
                        span.(state_class(session.state.as_str())) { (session.state.as_str()) }
                        br; small { "since " (moment(&session.since)) }
                    }
                    td.statement { @if let Some(text) = &session.statement { code { (card::plain(text)) } } }
                    td.number { (session.totals.statements) } td.number { (session.totals.denied) }
                    td.number { (session.totals.rows_read) } td.number { (session.totals.rows_written) }
                    td {
                        form method="post" action={ "/sessions/" (session.id) "/kill" } {
                            (csrf(visitor))
                            button.danger aria-label={ "End the session of " (card::plain(&session.principal)) } { "End" }
                        }
                    }
                } } }
            }
        }
    }
}

pub(crate) async fn kill(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Response {
    let Posted { visitor, .. } = &posted;
    let reason = posted.field("reason");
    match console.admin.kill((&visitor.principal, "console"), &id, reason.as_deref()).await {
        Ok(_session) => Redirect::to("/sessions").into_response(),
        Err(error) => not_done(visitor, &error),
    }
}

fn kind(kind: jurat_types::PrincipalKind) -> &'static str {
    match kind {
        jurat_types::PrincipalKind::Agent => "agent",
        jurat_types::PrincipalKind::Person => "person",
        jurat_types::PrincipalKind::Service => "service",
    }
}

/// States have a color, and always their word.
fn state_class(state: &str) -> &'static str {
    match state {
        "pending" | "held" => "state waits",
        "approved" | "used" | "running" => "state good",
        "denied" | "expired" | "canceled" => "state bad",
        _ => "state",
    }
}

/// A moment as people read it, to the second.
fn moment(rfc3339: &str) -> Markup {
    let short = rfc3339.get(..19).map(|text| text.replace('T', " "));
    html! { time datetime=(rfc3339) { (short.as_deref().unwrap_or(rfc3339)) " UTC" } }
}

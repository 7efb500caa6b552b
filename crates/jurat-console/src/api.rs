//! The API for programs: JSON, a token, and a document that describes it.
//!
//! Cookies open nothing here, so no page can make a browser call it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRequest, Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use jurat_core::{AdminError, ApprovalAnswer};
use jurat_types::TimeFacts;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{Console, pages::status_of, visitor::Caller};

mod openapi;
mod view;

use view::{Answer, Approval, Freeze, Freezing, Kill, Policies, Reloaded, Session, Stats};

/// The channel that records name.
const VIA: &str = "api";

type Api = State<Arc<Console>>;

/// The paths below `/api/v1`, from the same table that the document is made of.
pub(crate) fn router() -> Router<Arc<Console>> {
    openapi::OPERATIONS.iter().fold(Router::new(), |router, operation| {
        router.route(operation.path, handler(operation.id))
    })
}

/// What an operation does. Operations on one path are merged by the router.
fn handler(id: &str) -> MethodRouter<Arc<Console>> {
    match id {
        "whoami" => get(whoami),
        "listApprovals" => get(list_approvals),
        "getApproval" => get(get_approval),
        "approve" => post(approve),
        "deny" => post(deny),
        "listSessions" => get(list_sessions),
        "killSession" => post(kill_session),
        "getPolicies" => get(get_policies),
        "reload" => post(reload),
        "listFreezes" => get(list_freezes),
        "freeze" => post(freeze),
        "unfreeze" => delete(unfreeze),
        "getStats" => get(get_stats),
        "getDescription" => get(get_description),
        _ => MethodRouter::new(),
    }
}

/// An answer that says why not.
pub(crate) fn refused(status: StatusCode, code: &str, why: &str) -> Response {
    let mut response = (status, Json(json!({"error": code, "message": why}))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let bearer = header::HeaderValue::from_static("Bearer realm=\"jurat\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    }
    response
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "unknown",
        StatusCode::CONFLICT => "conflict",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "failed",
    }
}

fn reply<T, V: Serialize>(result: Result<T, AdminError>, view: impl FnOnce(T) -> V) -> Response {
    match result {
        Ok(found) => Json(view(found)).into_response(),
        Err(error) => {
            let status = status_of(&error);
            refused(status, code_of(status), &error.to_string())
        }
    }
}

/// A document in the body; without a body, the one with nothing in it.
struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Arc<Console>> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let wrong = |why: &str| refused(StatusCode::BAD_REQUEST, "invalid", why);
        let bytes = axum::body::Bytes::from_request(request, console).await;
        let bytes = bytes.map_err(|_too_long| wrong("the body is too long"))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| wrong(&error.to_string()))
    }
}

async fn whoami(Caller(who): Caller) -> Response {
    Json(who).into_response()
}

async fn list_approvals(
    State(console): Api,
    Caller(who): Caller,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let open = match query.get("state").map(String::as_str) {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => {
            return refused(StatusCode::BAD_REQUEST, "invalid", "`state` is `open` or `all`");
        }
    };
    let list = console.admin.approvals(&who, open).await;
    reply(list, |list| list.iter().map(Approval::from).collect::<Vec<_>>())
}

async fn get_approval(
    State(console): Api,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Response {
    reply(console.admin.approval(&who, &id).await, |one| Approval::from(&one))
}

async fn approve(
    console: Api,
    caller: Caller,
    Path(id): Path<String>,
    Body(answer): Body<Answer>,
) -> Response {
    decide(console, caller, (id, true), answer).await
}

async fn deny(
    console: Api,
    caller: Caller,
    Path(id): Path<String>,
    Body(answer): Body<Answer>,
) -> Response {
    decide(console, caller, (id, false), answer).await
}

async fn decide(
    State(console): Api,
    Caller(who): Caller,
    (id, yes): (String, bool),
    Answer { reason }: Answer,
) -> Response {
    tracing::info!(by = who.id, id, yes, "an answer over the API");
    let answer = ApprovalAnswer { id, yes, reason: reason.map(|reason| view::short(&reason)) };
    reply(console.admin.answer(who, answer, VIA).await, |one| Approval::from(&one))
}

async fn list_sessions(State(console): Api, Caller(who): Caller) -> Response {
    let sessions = console.admin.sessions(&who).await;
    Json(sessions.into_iter().map(Session::from).collect::<Vec<_>>()).into_response()
}

async fn kill_session(
    State(console): Api,
    Caller(who): Caller,
    Path(id): Path<String>,
    Body(Kill { reason }): Body<Kill>,
) -> Response {
    let reason = reason.map(|reason| view::short(&reason));
    reply(console.admin.kill((&who, VIA), &id, reason.as_deref()).await, Session::from)
}

async fn get_policies(State(console): Api, Caller(who): Caller) -> Response {
    reply(console.admin.policies(&who).await, Policies::from)
}

async fn reload(State(console): Api, Caller(who): Caller) -> Response {
    reply(console.admin.reload((&who, VIA)).await, |done| Reloaded {
        revision: done.revision,
        errors: done.errors,
    })
}

async fn list_freezes(State(console): Api, _caller: Caller) -> Response {
    Json(console.admin.frozen().into_iter().map(Freeze::from).collect::<Vec<_>>()).into_response()
}

async fn freeze(State(console): Api, Caller(who): Caller, Body(asked): Body<Freezing>) -> Response {
    let now_ns = console.admin.gate.clock.now_ns();
    let until_ns = asked
        .seconds
        .map(|seconds| now_ns.saturating_add_unsigned(seconds.saturating_mul(1_000_000_000)));
    let what = (asked.database.as_str(), &*view::short(&asked.reason));
    reply(console.admin.freeze((&who, VIA), what, until_ns).await, Freeze::from)
}

async fn unfreeze(
    State(console): Api,
    Caller(who): Caller,
    Path(database): Path<String>,
) -> Response {
    let done = console.admin.unfreeze((&who, VIA), &database).await;
    reply(done, |was_frozen| json!({"was_frozen": was_frozen}))
}

async fn get_stats(State(console): Api, Caller(who): Caller) -> Response {
    reply(console.admin.stats(&who).await, Stats::from)
}

async fn get_description() -> Response {
    Json(openapi::document()).into_response()
}

/// A moment as text.
fn moment(ns: i64) -> String {
    TimeFacts::utc(ns).rfc3339
}

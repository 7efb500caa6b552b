//! Logging in with the password of the users file, and out again.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::html;

use crate::{
    Console,
    guests::random,
    listen::Peer,
    pages::{self, document},
    visitor::{Posted, Visitor, cookie, is_foreign, may_visit},
};

/// The cookie of the form, which goes to no other site: it keeps somebody else from logging a person in as themselves.
const FORM_COOKIE: &str = "jurat-form";
/// How long the form can be sent, seconds.
const FORM_SECONDS: u64 = 3_600;

pub(crate) async fn page(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    if console.visitor(&headers, true).is_some() {
        return Redirect::to("/approvals").into_response();
    }
    form(&console, StatusCode::OK, None)
}

fn form(console: &Console, status: StatusCode, wrong: Option<&str>) -> Response {
    let Some(secret) = random() else {
        let why = "The system gives no randomness.";
        return pages::failed(None, StatusCode::INTERNAL_SERVER_ERROR, why);
    };
    let body = html! {
        section.narrow {
            h1 { "Log in" }
            @if let Some(wrong) = wrong { p.notice role="alert" { (wrong) } }
            form method="post" action="/login" {
                input type="hidden" name="csrf" value=(console.guests.stamp(&secret));
                label for="user" { "Name" }
                input #user name="user" autocomplete="username" required autofocus;
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required;
                button.primary { "Log in" }
            }
            p.aside { "People of the users file log in here. Agents and services have no console." }
        }
    };
    let cookie = console.set_cookie(FORM_COOKIE, &secret, Some(FORM_SECONDS));
    let mut response = (status, document("Log in", None, "", body)).into_response();
    pages::add_cookie(&mut response, &cookie);
    response
}

pub(crate) async fn log_in(
    State(console): State<Arc<Console>>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let ours = cookie(&headers, FORM_COOKIE)
        .is_some_and(|secret| console.guests.is_stamp(secret, field("csrf")));
    if is_foreign(&headers) || !ours {
        let why = "Please log in once more: the page was open for too long.";
        return form(&console, StatusCode::FORBIDDEN, Some(why));
    }
    let user = field("user").to_owned();
    if console.guests.must_wait(address.ip(), Some(&user)) {
        let why = "Too many passwords were wrong. Try again in five minutes.";
        return form(&console, StatusCode::TOO_MANY_REQUESTS, Some(why));
    }
    // Counted before it is checked, so that many at once are no way around the count.
    console.guests.was_wrong(address.ip(), Some(&user));
    let people = Arc::clone(&console.people);
    let (name, password) = (user.clone(), field("password").as_bytes().to_vec());
    let found = tokio::task::spawn_blocking(move || {
        let principal = people.check_password(&name, &password).filter(may_visit)?;
        Some((principal, people.credential(&name).scram_verifier.expose().clone()))
    });
    let found = found.await.ok().flatten();
    let from = address.ip().to_string();
    if console.admin.record_login(&user, ("console", &from), found.is_some()).is_err() {
        let why = "The login cannot be recorded, so nobody is let in. Look at the log of jurat.";
        return form(&console, StatusCode::SERVICE_UNAVAILABLE, Some(why));
    }
    let Some((principal, verifier)) = found else {
        tracing::warn!(client = %address, "a login to the console was refused");
        return form(&console, StatusCode::UNAUTHORIZED, Some("Name or password is wrong."));
    };
    console.guests.was_right(address.ip(), &user);
    let Some(secret) = console.guests.let_in(&principal.id, &verifier) else {
        let why = "Too many people are logged in.";
        return form(&console, StatusCode::SERVICE_UNAVAILABLE, Some(why));
    };
    tracing::info!(by = principal.id, client = %address, "logged in to the console");
    let mut response = Redirect::to("/approvals").into_response();
    pages::add_cookie(&mut response, &console.set_cookie(console.cookie_name(), &secret, None));
    pages::add_cookie(&mut response, &console.set_cookie(FORM_COOKIE, "", Some(0)));
    response
}

pub(crate) async fn log_out(State(console): State<Arc<Console>>, posted: Posted) -> Response {
    let Visitor { principal, secret, .. } = &posted.visitor;
    console.guests.let_out(secret);
    tracing::info!(by = principal.id, "logged out of the console");
    let mut response = Redirect::to("/login").into_response();
    pages::add_cookie(&mut response, &console.set_cookie(console.cookie_name(), "", Some(0)));
    response.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\""),
    );
    response
}

//! Which path does what, and what every answer says to browsers.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tokio_util::sync::CancellationToken;

use crate::{Console, api, login, metrics, pages, stream};

/// A form or a document of the API, bytes.
const BODY_BYTES_MAX: usize = 16 << 10;

/// What a page may load: only what comes from here. No script or style stands in a page itself, so that a text which
/// gets into one as markup still does nothing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer says.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With `no-referrer` browsers would say `Origin: null` of our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// All that is served.
pub(crate) fn router(console: Arc<Console>, shutdown: CancellationToken) -> Router {
    let pages = Router::new()
        .route("/", get(async || Redirect::to("/approvals")))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/approvals", get(pages::approvals))
        .route("/approvals/{id}", get(pages::approval))
        .route("/approvals/{id}/approve", post(pages::approve))
        .route("/approvals/{id}/deny", post(pages::deny))
        .route("/sessions", get(pages::sessions))
        .route("/sessions/{id}/kill", post(pages::kill))
        .route("/databases", get(pages::databases))
        .route("/databases/{name}/freeze", post(pages::freeze))
        .route("/databases/{name}/unfreeze", post(pages::unfreeze))
        .route("/policies", get(pages::policies))
        .route("/policies/reload", post(pages::reload))
        .route("/events", get(stream::events).layer(axum::Extension(shutdown)))
        .route(
            "/console.css",
            get(async || asset("text/css", include_str!("../assets/console.css"))),
        )
        .route(
            "/console.js",
            get(async || asset("text/javascript", include_str!("../assets/console.js"))),
        );
    Router::new()
        .merge(pages)
        .route("/metrics", get(metrics::metrics))
        .nest("/api/v1", api::router())
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(&console), our_host))
        // Whoever looks whether Jurat lives calls it by any name.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(metrics::ready))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::map_response(with_headers))
        .with_state(console)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, [kind, "; charset=utf-8"].concat())], text).into_response()
}

async fn nothing(State(console): State<Arc<Console>>, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") {
        return api::refused(StatusCode::NOT_FOUND, "unknown", "there is no such path");
    }
    let visitor = console.visitor(request.headers(), true);
    pages::failed(visitor.as_ref(), StatusCode::NOT_FOUND, "There is no such page.")
}

/// A browser that was told a foreign name for this address (DNS rebinding) is turned away. Where nothing is told
/// without a token the name does not matter: such a page has none.
async fn our_host(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.map(str::to_ascii_lowercase);
    let ours = host.is_some_and(|host| console.hosts.contains(&host));
    let path = request.uri().path();
    let by_token = path.starts_with("/api/") || (path == "/metrics" && !console.open_metrics);
    if ours || (by_token && request.headers().contains_key(header::AUTHORIZATION)) {
        return next.run(request).await;
    }
    let why = "jurat is not known by this name here: set `public_url` in [admin]\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

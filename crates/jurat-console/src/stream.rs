//! Server-sent events: a page learns that what it shows has changed, and asks for it again.
//!
//! An event holds no data, so that nothing is shown that the page itself would not show.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use jurat_types::Principal;
use tokio_util::sync::CancellationToken;

use crate::Console;

/// How often it is looked for what nothing tells of: sessions, and what another process has put in the store.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks without a change after which something is said, so that nobody takes the connection for dead.
const SILENT_LOOKS_MAX: u32 = 10;

struct Watch {
    console: Arc<Console>,
    headers: HeaderMap,
    seen: (u64, u64),
    silent: u32,
    first: bool,
}

pub(crate) async fn events(
    State(console): State<Arc<Console>>,
    Extension(shutdown): Extension<CancellationToken>,
    headers: HeaderMap,
) -> Response {
    let Some(visitor) = console.visitor(&headers, false) else {
        return (StatusCode::UNAUTHORIZED, "log in first\n").into_response();
    };
    let seen = console.looks(&visitor.principal).await;
    let watch = Watch { console, headers, seen, silent: 0, first: true };
    let events = stream::unfold((watch, shutdown), |(mut watch, shutdown)| async move {
        let next = tokio::select! {
            next = watch.next() => next?,
            () = shutdown.cancelled() => return None,
        };
        Some((Ok::<_, std::convert::Infallible>(next), (watch, shutdown)))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(events)).into_response()
}

impl Watch {
    /// The next event; nothing once the login has ended.
    async fn next(&mut self) -> Option<String> {
        if std::mem::take(&mut self.first) {
            return Some("retry: 2000\n\n".to_owned());
        }
        loop {
            let changed = async {
                match &self.console.admin.gate.approvals {
                    Some(approvals) => {
                        let mut changed = pin!(approvals.next_change());
                        changed.as_mut().enable();
                        changed.await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let visitor = self.console.visitor(&self.headers, false)?;
            let now = self.console.looks(&visitor.principal).await;
            let before = std::mem::replace(&mut self.seen, now);
            let mut events = String::new();
            if before.0 != now.0 {
                events += "event: approvals\ndata: changed\n\n";
            }
            if before.1 != now.1 {
                events += "event: sessions\ndata: changed\n\n";
            }
            self.silent = if events.is_empty() { self.silent.saturating_add(1) } else { 0 };
            if self.silent >= SILENT_LOOKS_MAX {
                self.silent = 0;
                events += ": still here\n\n";
            }
            if !events.is_empty() {
                return Some(events);
            }
        }
    }
}

impl Console {
    /// A number for what somebody sees of requests, and one for sessions.
    async fn looks(&self, who: &Principal) -> (u64, u64) {
        let (mut approvals, mut sessions) = (DefaultHasher::new(), DefaultHasher::new());
        for one in self.admin.approvals(who, true).await.unwrap_or_default() {
            (one.id, one.state.as_str(), one.votes.len(), one.why).hash(&mut approvals);
        }
        for one in self.admin.sessions(who).await {
            let totals = one.totals;
            (one.id, one.state.as_str(), totals.statements, totals.rows_read, totals.rows_written)
                .hash(&mut sessions);
        }
        (approvals.finish(), sessions.finish())
    }
}

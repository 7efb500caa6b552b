//! Estimates on request: the database is asked over a connection of Jurat's own, in a transaction that is never
//! committed, so that nothing of the client's session or transaction is touched.

use std::time::Duration;

use jurat_core::{Answered, Question};
use tokio::time::timeout;

use crate::{
    internal,
    upstream::{self, UpstreamDatabase, UpstreamError, Wanted},
};

/// Asks, within the time that the question gives.
pub(super) async fn foresee(
    target: &UpstreamDatabase,
    question: &Question,
    connect_timeout: Duration,
) -> Answered {
    match asked(target, question, connect_timeout).await {
        Ok(answer) => Ok(answer),
        Err(UpstreamError::Timeout(_)) => Err("the database did not say so in time".to_owned()),
        Err(UpstreamError::Refused { code, .. }) => {
            Err(format!("the database refused to say so with error {code}"))
        }
        Err(
            UpstreamError::Authentication(_)
            | UpstreamError::Catalog(_)
            | UpstreamError::Io { .. }
            | UpstreamError::Protocol(_)
            | UpstreamError::Tls(_),
        ) => Err("the database could not be asked".to_owned()),
    }
}

async fn asked(
    target: &UpstreamDatabase,
    question: &Question,
    connect_timeout: Duration,
) -> Result<Vec<Vec<Option<Vec<u8>>>>, UpstreamError> {
    let connected = upstream::connect(target, Wanted::default(), connect_timeout).await?;
    let mut upstream = connected.upstream;
    let limit = question.timeout();
    match timeout(limit, internal::foresee(&mut upstream, question)).await {
        Ok(answer) => {
            upstream.terminate().await;
            answer
        }
        Err(_elapsed) => {
            // A connection that is closed does not end what the server does for it.
            let ended = upstream::cancel(target, upstream.connection(), connect_timeout).await;
            if let Err(error) = ended {
                tracing::error!(%error, "an estimate that took too long could not be ended");
            }
            Err(UpstreamError::Timeout(limit))
        }
    }
}

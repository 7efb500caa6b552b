//! Estimates on request: the database is asked over a connection of Jurat's own, in a transaction that only reads and
//! ends by itself, so that nothing of the client's session or transaction is touched.

use jurat_core::{Answered, Question};

use crate::{
    internal,
    upstream::{self, UpstreamDatabase, UpstreamError},
};

/// Asks, within the time that the question gives.
pub(super) async fn foresee(
    target: &UpstreamDatabase,
    question: &Question,
    connect_timeout: std::time::Duration,
) -> Answered {
    let asked = async {
        let connected = upstream::connect(target, &[], connect_timeout).await?;
        let mut upstream = connected.upstream;
        let answer = internal::foresee(&mut upstream, question).await;
        upstream.terminate().await;
        answer
    };
    // The database keeps the time, too; this is for one that does not answer.
    let limit = question.timeout().saturating_add(connect_timeout);
    let answer: Result<Vec<Vec<Option<Vec<u8>>>>, UpstreamError> =
        tokio::time::timeout(limit, asked).await.unwrap_or(Err(UpstreamError::Timeout(limit)));
    match answer {
        Ok(answer) => Ok(answer),
        Err(UpstreamError::Timeout(_)) => Err(TIME_IS_UP.to_owned()),
        Err(UpstreamError::Refused { code, .. }) if code == QUERY_CANCELED => {
            Err(TIME_IS_UP.to_owned())
        }
        Err(UpstreamError::Refused { code, .. }) => {
            Err(format!("the database refused to say so with SQLSTATE {code}"))
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

const QUERY_CANCELED: &str = "57014";

const TIME_IS_UP: &str = "the database did not say so in time";

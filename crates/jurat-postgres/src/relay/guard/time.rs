//! How long statements may run. The one that is too slow is canceled, as a client would do it.

use std::{collections::VecDeque, time::Duration};

use jurat_core::{Exceeded, InForce, Running};
use tokio::time::Instant;

use super::{super::Relay, Guard};
use crate::{respond, upstream};

/// What the database says of a statement that was canceled (PostgreSQL documentation, appendix "Error Codes").
const CANCELED: &str = "57014";

/// When the statements under way have to be done, in their order. The time of one begins once the one before it
/// is done.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    waiting: VecDeque<u64>,
    deadline: Option<Instant>,
    /// The statement that is answered now was canceled.
    canceled: bool,
}

impl Deadlines {
    pub(super) fn started(&mut self, timeout_ms: Option<u64>) {
        if let Some(timeout_ms) = timeout_ms {
            self.waiting.push_back(timeout_ms);
            if self.waiting.len() == 1 {
                self.next();
            }
        }
    }

    pub(super) fn ended(&mut self, timeout_ms: Option<u64>) {
        if timeout_ms.is_some() {
            self.waiting.pop_front();
            self.next();
        }
    }

    fn next(&mut self) {
        self.canceled = false;
        let timeout = self.waiting.front().map(|ms| Duration::from_millis(*ms));
        // A time that is out of range is never up.
        self.deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    }
}

impl Guard {
    /// When the statement under way has to be done, where that is bounded.
    pub(in crate::relay) const fn deadline(&self) -> Option<Instant> {
        self.clock.deadline
    }
}

/// Waits for a deadline, for ever where there is none.
pub(in crate::relay) async fn until(deadline: Option<Instant>) {
    match deadline {
        // Boxed, because every session has room for this future and few have a deadline.
        Some(deadline) => Box::pin(tokio::time::sleep_until(deadline)).await,
        None => std::future::pending().await,
    }
}

impl Relay {
    /// Cancels the statement that runs. Nothing else is done meanwhile, so that no other can be meant.
    pub(in crate::relay) async fn time_is_up(&mut self) {
        self.guard.clock.deadline = None;
        self.guard.clock.canceled = true;
        let limit = self.session.gate().limits.connect_timeout;
        let canceled = upstream::cancel(&self.cancels.database, &self.cancels.key, limit).await;
        if let Err(error) = canceled {
            let session = self.session.id();
            tracing::error!(session, %error, "a statement that ran too long could not be canceled");
        }
    }

    /// Tells the client in Jurat's words that its statement was canceled. Tells whether that was so.
    pub(in crate::relay) fn tells_time_is_up(&mut self, sqlstate: Option<&str>) -> bool {
        if !self.guard.clock.canceled || sqlstate != Some(CANCELED) {
            return false;
        }
        let running = self.queue.running().and_then(|execution| execution.running.as_ref());
        let timed = |run: &&Running| run.limits().and_then(InForce::timeout_ms).is_some();
        let Some(running) = running.filter(timed) else { return false };
        let refusal = self.session.refuse_result(running, Exceeded::Time, 0);
        respond::error(self.client.out(), &refusal);
        true
    }
}

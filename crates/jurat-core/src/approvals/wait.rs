//! A connection that waits for an answer, whichever protocol it speaks.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jurat_types::Refusal;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::{Answer, Approval, Approvals, State};

/// How often the store is looked at for what another process has put there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How a wait ended.
#[derive(Debug)]
pub enum Waited<T> {
    /// There is consent, to be used.
    Granted(Box<Approval>),
    /// There is none, and this is what the client is told.
    Refused(Box<Refusal>),
    /// It took too long.
    TimeOver,
    /// Something else has ended it.
    Stopped(T),
}

impl Approvals {
    /// Waits for the answer to a request, not longer than `limit`, and not once `stopped` has ended.
    pub async fn wait<T>(
        self: &Arc<Self>,
        approval: &Approval,
        limit: Duration,
        stopped: impl Future<Output = T>,
    ) -> Waited<T> {
        let until = Instant::now() + limit;
        let mut stopped = pin!(stopped);
        loop {
            let mut changed = pin!(self.next_change());
            // What changes from here on is not missed.
            changed.as_mut().enable();
            if let Some(ended) = self.looked_at(approval).await {
                return ended;
            }
            tokio::select! {
                biased;
                end = &mut stopped => return Waited::Stopped(end),
                () = &mut changed => {}
                () = sleep_until(until) => return Waited::TimeOver,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// How the wait for a request ends as it is now; nothing while nobody has answered.
    async fn looked_at<T>(self: &Arc<Self>, approval: &Approval) -> Option<Waited<T>> {
        let now = match self.get(&approval.id).await {
            Ok(Some(now)) => now,
            Ok(None) => return Some(Waited::Refused(Box::new(self.ended(approval)))),
            Err(error) => {
                tracing::error!(%error, "a request that is waited for is not seen");
                return None;
            }
        };
        match now.state {
            State::Pending => None,
            State::Approved => Some(match self.ask(now).await {
                Ok(Answer::Granted(grant)) => Waited::Granted(grant),
                Ok(Answer::Waiting { approval, .. }) => {
                    Waited::Refused(Box::new(self.ended(&approval)))
                }
                Err(refusal) => Waited::Refused(Box::new(refusal)),
            }),
            State::Canceled | State::Denied | State::Expired | State::Used => {
                Some(Waited::Refused(Box::new(self.ended(&now))))
            }
        }
    }
}

/// Whether a session waits for consent. What it waits for then can be canceled without the database.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Option<Arc<Notify>>>);

impl Waiting {
    /// From now on a request to cancel ends in the bell that is given back.
    pub fn begin(&self) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&bell));
        bell
    }

    /// From now on a request to cancel is for the database.
    pub fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Cancels the wait. Tells whether there was one.
    pub fn cancel(&self) -> bool {
        let bell = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        bell.inspect(|bell| bell.notify_one()).is_some()
    }
}

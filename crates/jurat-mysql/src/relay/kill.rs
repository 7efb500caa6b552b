//! `KILL`: a client ends what it runs over another connection.

use jurat_types::SessionRecord;

use super::{End, Relay};
use crate::{
    cancel::{self, Kill},
    respond, upstream,
};

impl Relay {
    /// `KILL` among other statements of a text: its number is one of Jurat's there, too, and it was judged. Tells
    /// whether it was done; `more` says that further statements of the message come behind it.
    pub(super) async fn kill_among(&mut self, text: &str, more: bool) -> Result<bool, End> {
        match cancel::parse(text.as_bytes()) {
            Some(kill) => self.kill(kill, more).await,
            None => {
                self.say(
                    respond::NOT_CARRIED,
                    "jurat does not carry this form of KILL [JRT-UNSUPPORTED]",
                );
                Ok(false)
            }
        }
    }

    /// Ends what another session of the same principal runs, or that session.
    pub(super) async fn on_kill(&mut self, kill: Kill) -> Result<(), End> {
        self.kill(kill, false).await.map(drop)
    }

    async fn kill(&mut self, kill: Kill, more: bool) -> Result<bool, End> {
        let principal = self.session.principal().id.clone();
        let target = self.registry.find(kill.connection, &principal);
        let (event, session_id, reason) = match &target {
            Some(target) => ("cancel_requested", target.session_id.clone(), None),
            None => {
                let reason = "the principal has no session with that number".to_owned();
                ("cancel_refused", String::new(), Some(reason))
            }
        };
        let record = SessionRecord {
            event: event.to_owned(),
            session_id,
            client_addr: self.session.client_addr().to_owned(),
            principal: Some(self.session.principal().clone()),
            target: None,
            claimed_user: None,
            reason,
        };
        // Nothing happens unrecorded, and so a statement goes on whose end cannot be recorded.
        if let Err(refusal) = self.session.gate().record_session(record) {
            self.refuse(&refusal);
            return Ok(false);
        }
        let Some(target) = target else {
            let words = format!("Unknown thread id: {}", kill.connection);
            self.say(respond::NO_SUCH_THREAD, &words);
            return Ok(false);
        };
        let limit = self.session.gate().limits.connect_timeout;
        // A session that waits for consent has nothing under way that the server could end.
        if !target.waiting.cancel()
            && let Err(error) = upstream::cancel(&target.database, target.connection, limit).await
        {
            tracing::warn!(session = self.session.id(), %error, "a request to cancel failed");
        }
        if !kill.query_only {
            target.end.cancel();
        }
        self.ok_before(more);
        Ok(true)
    }
}

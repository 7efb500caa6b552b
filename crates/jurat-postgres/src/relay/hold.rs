//! Statements that need somebody's consent: asked for, waited for where that keeps nobody else waiting, and
//! then judged and sent once.
//!
//! A connection waits only while the database has nothing of it under way
//! (unless the operator allows a while inside a transaction), and sends nothing to it until the answer is there.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use jurat_core::{Answer, Approval, Approvals, Bound, Draft, Over, Permit, Session, Waited};
use jurat_types::Refusal;
use jurat_wire::postgres::{backend::TransactionStatus, frontend::Bind, value::Format};
use serde_json::Value;

use super::{End, Relay, ended};
use crate::{names::Names, respond};

/// Statements of one message that may need consent.
const ASKED_MAX: usize = 64;
/// What a client may send ahead while it waits, bytes. Beyond that it is not read.
const AHEAD_BYTES_MAX: usize = 64 << 10;

/// What is known of a connection that waits for consent, and for SQL about it.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// How the session ended while it waited.
    end: Option<End>,
    /// Whether the database has seen messages of the extended protocol that no Sync has ended yet.
    cycle_written: bool,
    /// The detail of the last refusal.
    last: Option<Value>,
    /// A statement was counted and taken back, and its client is told so once consent to the number was asked for.
    over: Option<Over>,
}

/// What has ended a wait.
enum Stop {
    Canceled,
    Gone(End),
}

impl Hold {
    pub(super) const fn take_end(&mut self) -> Option<End> {
        self.end.take()
    }

    /// What a client is told later; until then nothing that the database says is handled.
    pub(super) fn tell_later(&mut self, over: Over) {
        self.over = Some(over);
    }

    pub(super) const fn has_to_ask(&self) -> bool {
        self.over.is_some()
    }

    pub(super) const fn note_written(&mut self, written: bool) {
        self.cycle_written |= written;
    }

    pub(super) const fn cycle_ended(&mut self) {
        self.cycle_written = false;
    }

    pub(super) fn note_refusal(&mut self, refusal: &Refusal) {
        self.last = Some(refusal.detail.clone());
    }

    pub(super) const fn last_refusal(&self) -> Option<&Value> {
        self.last.as_ref()
    }
}

impl Relay {
    /// What becomes of a message that was refused: where it lacks nothing but consent, consent is looked for,
    /// and `judge` judges it again.
    pub(super) async fn refused(
        &mut self,
        refusal: Refusal,
        judge: impl Fn(&mut Session, &Names) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Vec<Permit>, Refusal> {
        if !self.session.asks_consent() {
            return Err(refusal);
        }
        let result = Box::pin(self.seek_consent(refusal, judge)).await;
        drop(self.session.take_spent());
        result
    }

    async fn seek_consent(
        &mut self,
        mut refusal: Refusal,
        judge: impl Fn(&mut Session, &Names) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Vec<Permit>, Refusal> {
        let Some(approvals) = self.session.gate().approvals.clone() else { return Err(refusal) };
        for _ in 0..ASKED_MAX {
            if let Some(digest) = self.session.take_looked_for() {
                let found = approvals.look(&digest).await;
                self.session.note_found(digest, found);
            } else if let Some(asked) = self.session.take_asked() {
                match approvals.ask(asked).await? {
                    Answer::Granted(grant) => self.session.lend(*grant),
                    Answer::Waiting { approval, new } => {
                        match self.may_wait(&approvals, &approval) {
                            None => return Err(approvals.waiting(&approval, new)),
                            Some(limit) => {
                                let grant = self.wait(&approvals, &approval, new, limit).await?;
                                self.session.lend(*grant);
                            }
                        }
                    }
                }
            } else {
                break;
            }
            match judge(&mut self.session, &self.names) {
                Ok(drafts) => {
                    let spent = self.session.take_spent();
                    // What is recorded names the grant, and is there for good before the grant is used. Where
                    // that fails, the permits go, and their records say that nothing ran.
                    let permits = self.settle_for_good(drafts).await?;
                    if !spent.is_empty() {
                        approvals.spend(spent).await?;
                    }
                    return Ok(permits);
                }
                Err(next) => refusal = next,
            }
        }
        Err(refusal)
    }

    /// Asks for consent to the number of rows of a statement that was taken back, and tells the client.
    pub(super) async fn ask_for_rows(&mut self) {
        let Some(Over { mut refusal, asks: Some(asks) }) = self.hold.over.take() else { return };
        if let Some(approvals) = self.session.gate().approvals.clone() {
            let own = asks.id.clone();
            match approvals.ask(*asks).await {
                // Somebody else was faster with the same question.
                Ok(Answer::Waiting { approval, .. } | Answer::Granted(approval)) => {
                    refusal.message = refusal.message.replace(&own, &approval.id);
                    refusal.hint = refusal.hint.map(|hint| hint.replace(&own, &approval.id));
                    if let Some(detail) = refusal.detail.as_object_mut() {
                        detail.insert("approval".to_owned(), approval.id.into());
                    }
                }
                Err(other) => refusal = other,
            }
        }
        respond::error(self.client.out(), &refusal);
        self.hold.note_refusal(&refusal);
    }

    /// How long the connection may wait for an answer; `None` where it has to be refused at once.
    fn may_wait(&self, approvals: &Approvals, approval: &Approval) -> Option<Duration> {
        if !approval.may_be_held() || self.script.is_some() {
            return None;
        }
        let options = &approvals.options;
        let untouched = self.queue.is_empty()
            || (self.cycle_open && !self.hold.cycle_written && self.queue.only_prepares());
        let limit = match self.status {
            TransactionStatus::Idle if untouched => options.hold_max,
            TransactionStatus::InTransaction if self.queue.is_empty() => {
                options.hold_max.min(options.hold_in_transaction_max)
            }
            TransactionStatus::Idle
            | TransactionStatus::InTransaction
            | TransactionStatus::Failed => Duration::ZERO,
        };
        (!limit.is_zero()).then_some(limit)
    }

    async fn wait(
        &mut self,
        approvals: &Arc<Approvals>,
        approval: &Approval,
        new: bool,
        limit: Duration,
    ) -> Result<Box<Approval>, Refusal> {
        let why = approvals.waiting(approval, new);
        let told = format!("jurat: waiting for {}; cancel to give up", approval.id);
        self.tell(|out| {
            respond::notice(out, &why.message, why.hint.as_deref());
            respond::notice(out, &told, None);
        });
        let (cancels, live) = (Arc::clone(&self.cancels), Arc::clone(self.session.live()));
        let (bell, killed) = (cancels.waiting.begin(), live.end());
        live.set_held(true);
        let stopped = async {
            tokio::select! {
                biased;
                () = killed.cancelled() => {
                    Stop::Gone(End::Killed(live.killed_by().unwrap_or_default()))
                }
                () = bell.notified() => Stop::Canceled,
                end = self.stay() => Stop::Gone(end),
            }
        };
        let waited = approvals.wait(approval, limit, stopped).await;
        live.set_held(false);
        cancels.waiting.end();
        match waited {
            Waited::Granted(grant) => Ok(grant),
            Waited::Refused(refusal) => Err(*refusal),
            Waited::TimeOver => Err(approvals.unanswered(approval)),
            Waited::Stopped(Stop::Canceled) => {
                approvals.cancel(&approval.id, "the requester canceled").await;
                Err(approvals.given_up(approval))
            }
            Waited::Stopped(Stop::Gone(end)) => {
                approvals.cancel(&approval.id, "the requester has left").await;
                self.hold.end = Some(end);
                Err(approvals.given_up(approval))
            }
        }
    }

    /// Keeps both sides connected while nothing is sent to the database. Ends when one of them does.
    async fn stay(&mut self) -> End {
        loop {
            let moved = poll_fn(|cx| {
                self.client.write_some(cx).map_err(End::ClientGone)?;
                let mut moved = false;
                if let Poll::Ready(result) = self.upstream.poll_read(cx) {
                    ended(result).map_err(End::UpstreamGone)?;
                    moved = true;
                }
                if self.client.inbox.len() < AHEAD_BYTES_MAX
                    && let Poll::Ready(result) = self.client.poll_read(cx)
                {
                    ended(result).map_err(End::ClientGone)?;
                    moved = true;
                }
                if moved { Poll::Ready(Ok(())) } else { Poll::Pending }
            })
            .await;
            if let Err(end) = moved.and_then(|()| self.take_from_upstream()) {
                return end;
            }
        }
    }
}

/// The values of a Bind, for consent: in one form to compare, and as a person reads them.
pub(super) fn bound(bind: &Bind<'_>) -> Bound {
    let mut bytes = Vec::new();
    let mut shown = Vec::new();
    for (at, value) in bind.parameters.iter().enumerate() {
        let binary = bind.parameter_formats.of(at) == Some(Format::Binary);
        bytes.push(u8::from(binary));
        match value {
            None => bytes.push(0),
            Some(value) => {
                bytes.push(1);
                bytes.extend_from_slice(
                    &u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes(),
                );
                bytes.extend_from_slice(value);
            }
        }
        shown.push(value.map_or_else(|| "NULL".to_owned(), |value| shown_value(value, binary)));
    }
    Bound { bytes: bytes.into(), shown: shown.into() }
}

/// A value as a person reads it. What a binary value means depends on its type, which is not known here, so
/// its bytes are shown beside the readings.
fn shown_value(value: &[u8], binary: bool) -> String {
    if !binary {
        return format!("'{}'", String::from_utf8_lossy(value).replace('\'', "''"));
    }
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    let number = match value {
        [a, b] => Some(i64::from(i16::from_be_bytes([*a, *b]))),
        [a, b, c, d] => Some(i64::from(i32::from_be_bytes([*a, *b, *c, *d]))),
        [a, b, c, d, e, f, g, h] => Some(i64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        _ => None,
    };
    let text = std::str::from_utf8(value).ok().filter(|text| !text.chars().any(char::is_control));
    match (number, text) {
        (Some(number), Some(text)) => format!("\\x{hex} (as a number {number}, as text '{text}')"),
        (Some(number), None) => format!("\\x{hex} (as a number {number})"),
        (None, Some(text)) => format!("\\x{hex} (as text '{text}')"),
        (None, None) => format!("\\x{hex}"),
    }
}

#[cfg(test)]
mod tests {
    use super::shown_value;

    #[test]
    fn a_value_is_shown_as_it_may_be_meant() {
        for (value, binary, shown) in [
            (&b"O'Neil"[..], false, "'O''Neil'"),
            (&[0, 0, 0, 7], true, r"\x00000007 (as a number 7)"),
            (b"ab", true, r"\x6162 (as a number 24930, as text 'ab')"),
            (b"abc", true, r"\x616263 (as text 'abc')"),
            (&[1, 2, 3], true, r"\x010203"),
            (b"", true, r"\x (as text '')"),
        ] {
            assert_eq!(shown_value(value, binary), shown);
        }
    }
}

//! Statements that need somebody's consent, as this protocol has them: whether the connection may wait, what the
//! client hears meanwhile, and the values that consent is bound to.
//!
//! A connection waits only while the database has nothing of it under way
//! (unless the operator allows a while inside a transaction), and sends nothing to it until the answer is there.

use std::{future::poll_fn, task::Poll, time::Duration};

use jurat_core::{
    Answered, ApprovalOptions, Bound, Draft, Over, Permit, Question, Requester, Session, Waiting,
    seek_consent,
};
use jurat_types::Refusal;
use jurat_wire::postgres::{backend::TransactionStatus, frontend::Bind, value::Format};
use serde_json::Value;

use super::{End, Relay, ended, estimate};
use crate::{names::Names, respond};

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

/// A message that was refused, and how it is judged again.
struct Refused<'r, J> {
    relay: &'r mut Relay,
    judge: J,
}

impl Relay {
    /// What becomes of a message that was refused: where it lacks nothing but consent, consent is looked for,
    /// and `judge` judges it again.
    pub(super) async fn refused(
        &mut self,
        refusal: Refusal,
        judge: impl Fn(&mut Session, &Names) -> Result<Vec<Draft>, Refusal> + Send,
    ) -> Result<Vec<Permit>, Refusal> {
        if !self.session.asks_consent() {
            return Err(refusal);
        }
        let mut refused = Refused { relay: self, judge };
        Box::pin(seek_consent(&mut refused, refusal)).await
    }

    /// Asks for consent to the number of rows of a statement that was taken back, and tells the client.
    pub(super) async fn ask_for_rows(&mut self) {
        let Some(mut over) = self.hold.over.take() else { return };
        if let Some(question) = over.sampling.take() {
            let limit = self.session.gate().limits.connect_timeout;
            let answered = estimate::foresee(&self.cancels.database, &question, limit).await;
            over.note_sample(question, answered);
        }
        let refusal = over.ask(&self.session).await;
        respond::error(self.client.out(), &refusal);
        self.hold.note_refusal(&refusal);
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

impl<J> Requester for Refused<'_, J>
where
    J: Fn(&mut Session, &Names) -> Result<Vec<Draft>, Refusal> + Send,
{
    type End = End;

    fn session(&mut self) -> &mut Session {
        &mut self.relay.session
    }

    fn judge(&mut self) -> Result<Vec<Draft>, Refusal> {
        (self.judge)(&mut self.relay.session, &self.relay.names)
    }

    async fn settle(&mut self, drafts: Vec<Draft>) -> Result<Vec<Permit>, Refusal> {
        self.relay.settle_for_good(drafts).await
    }

    async fn foresee(&mut self, question: &Question) -> Answered {
        let limit = self.relay.session.gate().limits.connect_timeout;
        estimate::foresee(&self.relay.cancels.database, question, limit).await
    }

    fn patience(&self, options: &ApprovalOptions) -> Duration {
        let Relay { script, queue, hold, status, .. } = &*self.relay;
        let untouched = queue.is_empty()
            || (self.relay.cycle_open && !hold.cycle_written && queue.only_prepares());
        match status {
            _ if script.is_some() => Duration::ZERO,
            TransactionStatus::Idle if untouched => options.hold_max,
            TransactionStatus::InTransaction if queue.is_empty() => {
                options.hold_max.min(options.hold_in_transaction_max)
            }
            TransactionStatus::Idle
            | TransactionStatus::InTransaction
            | TransactionStatus::Failed => Duration::ZERO,
        }
    }

    fn tell_waiting(&mut self, why: &Refusal, id: &str) {
        let told = format!("jurat: waiting for {id}; cancel to give up");
        self.relay.tell(|out| {
            respond::notice(out, &why.message, why.hint.as_deref());
            respond::notice(out, &told, None);
        });
    }

    fn waiting(&self) -> &Waiting {
        &self.relay.cancels.waiting
    }

    async fn stay(&mut self) -> End {
        self.relay.stay().await
    }

    fn killed(&mut self) -> End {
        End::Killed(self.relay.session.live().killed_by().unwrap_or_default())
    }

    fn note_end(&mut self, end: End) {
        self.relay.hold.end = Some(end);
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

/// Whether a value is binary, and its bytes.
type Raw<'b> = (bool, Option<&'b [u8]>);

/// The values of a Bind, out of the form in which they are compared.
pub(crate) fn unbound(bound: &Bound) -> Option<Vec<Raw<'_>>> {
    let mut values = Vec::new();
    let mut rest = &*bound.bytes;
    while let Some(([binary, present], after)) = rest.split_first_chunk::<2>() {
        rest = after;
        let mut value = None;
        if *present == 1 {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
            let (bytes, after) = after.split_at_checked(length)?;
            (value, rest) = (Some(bytes), after);
        }
        values.push((*binary == 1, value));
    }
    rest.is_empty().then_some(values)
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
    use jurat_core::Bound;

    use super::{shown_value, unbound};

    #[test]
    fn values_come_back_from_the_form_in_which_they_are_compared() {
        let of = |bytes: &[u8]| Bound { bytes: bytes.into(), shown: [].into() };
        let text = [0, 1, 0, 0, 0, 0, 0, 0, 0, 2, b'a', b'b'];
        let whole = [&text[..], &[1, 0], &[1, 1, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
        let values = vec![(false, Some(&b"ab"[..])), (true, None), (true, Some(&b""[..]))];
        assert_eq!(unbound(&of(&whole)), Some(values));
        assert_eq!(unbound(&of(&[])), Some(Vec::new()));
        for cut in [1, 3, 9, 11] {
            assert_eq!(unbound(&of(&text[..cut])), None, "{cut}");
        }
    }

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

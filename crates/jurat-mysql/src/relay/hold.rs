//! Statements that need somebody's consent, as this protocol has them: whether the connection may wait, and the
//! values that consent is bound to. And what a client can ask about its last refusal.
//!
//! A connection waits only while the server has nothing of it under way (unless the operator allows a while
//! inside a transaction), and sends nothing to it until the answer is there.

use std::{future::poll_fn, io, task::Poll, time::Duration};

use jurat_core::{
    Answered, ApprovalOptions, Bound, Draft, Permit, Question, Requester, Session, Waiting,
    seek_consent,
};
use jurat_types::Refusal;
use jurat_wire::mysql::{
    capability::Status,
    command::execute::{BoundValue, ParameterType},
    row::Value,
};

use super::{End, INBOX_BYTES_MAX, Relay, ended, estimate};
use crate::{names::Statements, respond};

/// What is known of a connection that waits for consent, and of what it was last told.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// How the session ended while it waited.
    end: Option<End>,
    /// The detail of the last refusal.
    last: Option<serde_json::Value>,
    /// What `SHOW WARNINGS` says now.
    told: Vec<Told>,
}

/// A line of `SHOW WARNINGS`.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// `Error`, `Warning` or `Note`.
    pub(super) level: &'static str,
    /// The number.
    pub(super) code: u16,
    /// The words.
    pub(super) words: String,
}

impl Hold {
    pub(super) const fn take_end(&mut self) -> Option<End> {
        self.end.take()
    }

    /// Keeps what the client was told: the line of the error, and its detail for programs.
    pub(super) fn note_refusal(&mut self, refusal: &Refusal) {
        let (code, _sqlstate) = respond::number_told(refusal);
        let words = refusal.message.clone();
        self.told = vec![Told { level: "Error", code, words }];
        if refusal.detail.is_object() {
            let words = refusal.detail.to_string();
            self.told.push(Told { level: "Note", code, words });
        }
        self.last = Some(refusal.detail.clone());
    }

    /// A result was cut. ER_UNKNOWN_ERROR, because no number of the server's says it.
    pub(super) fn note_truncated(&mut self) {
        let words =
            "jurat: the result is not complete: it has more than a policy lets through [JRT-ROWS]";
        self.told = vec![Told { level: "Warning", code: 1105, words: words.to_owned() }];
    }

    /// Another statement runs, so the server's own list is the one that holds.
    pub(super) fn forget_told(&mut self) {
        if !self.told.is_empty() {
            self.told = Vec::new();
        }
    }

    pub(super) fn told(&self) -> &[Told] {
        &self.told
    }

    pub(super) const fn last_refusal(&self) -> Option<&serde_json::Value> {
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
        judge: impl Fn(&mut Session, &Statements) -> Result<Vec<Draft>, Refusal> + Send,
    ) -> Result<Vec<Permit>, Refusal> {
        if !self.session.asks_consent() {
            return Err(refusal);
        }
        let mut refused = Refused { relay: self, judge };
        Box::pin(seek_consent(&mut refused, refusal)).await
    }

    /// Keeps both sides connected while nothing is sent to the server. Ends when one of them does.
    async fn stay(&mut self) -> End {
        let stayed: Result<(), End> = poll_fn(|cx| {
            self.client.write_some(cx).map_err(End::ClientGone)?;
            if let Poll::Ready(result) = self.upstream.poll_read(cx) {
                let gone = result.and_then(|_count| Err(io::ErrorKind::UnexpectedEof.into()));
                return Poll::Ready(gone.map_err(End::UpstreamGone));
            }
            while self.client.inbox.len() < INBOX_BYTES_MAX {
                match self.client.poll_read(cx) {
                    Poll::Ready(result) => ended(result).map_err(End::ClientGone)?,
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await;
        stayed.err().unwrap_or(End::Terminated)
    }
}

impl<J> Requester for Refused<'_, J>
where
    J: Fn(&mut Session, &Statements) -> Result<Vec<Draft>, Refusal> + Send,
{
    type End = End;

    fn session(&mut self) -> &mut Session {
        &mut self.relay.session
    }

    fn judge(&mut self) -> Result<Vec<Draft>, Refusal> {
        (self.judge)(&mut self.relay.session, &self.relay.statements)
    }

    async fn settle(&mut self, drafts: Vec<Draft>) -> Result<Vec<Permit>, Refusal> {
        self.relay.settle(drafts).await
    }

    async fn foresee(&mut self, question: &Question) -> Answered {
        let limit = self.relay.session.gate().limits.connect_timeout;
        estimate::foresee(&self.relay.target, question, limit).await
    }

    fn patience(&self, options: &ApprovalOptions) -> Duration {
        if self.relay.status.contains(Status::IN_TRANS) {
            options.hold_max.min(options.hold_in_transaction_max)
        } else {
            options.hold_max
        }
    }

    /// There are no asynchronous messages.
    fn tell_waiting(&mut self, _why: &Refusal, _id: &str) {}

    fn waiting(&self) -> &Waiting {
        &self.relay.waiting
    }

    async fn stay(&mut self) -> End {
        self.relay.stay().await
    }

    fn killed(&mut self) -> End {
        End::Killed
    }

    fn note_end(&mut self, end: End) {
        self.relay.hold.end = Some(end);
    }
}

/// The values of an execution, for consent: in one form to compare, and as a person reads them. Nothing where
/// one of them was sent in pieces, which nobody has kept.
pub(super) fn bound(values: &[BoundValue<'_>], types: &[ParameterType]) -> Option<Bound> {
    let mut bytes = Vec::new();
    let mut shown = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let BoundValue::Value(value) = value else { return None };
        let kind = types.get(at).map_or((0, false), |kind| (kind.kind.as_byte(), kind.unsigned));
        bytes.extend_from_slice(&[kind.0, u8::from(kind.1)]);
        let (tag, content) = content(value);
        bytes.push(tag);
        bytes.extend_from_slice(&u64::try_from(content.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(&content);
        shown.push(shown_value(value));
    }
    Some(Bound { bytes: bytes.into(), shown: shown.into() })
}

/// A value in one form, and which kind it is.
fn content(value: &Value<'_>) -> (u8, Vec<u8>) {
    match value {
        Value::Null => (0, Vec::new()),
        Value::Bytes(bytes) => (1, bytes.to_vec()),
        Value::Int(number) => (2, number.to_be_bytes().to_vec()),
        Value::UInt(number) => (3, number.to_be_bytes().to_vec()),
        Value::Float(number) => (4, number.to_bits().to_be_bytes().to_vec()),
        Value::Double(number) => (5, number.to_bits().to_be_bytes().to_vec()),
        Value::Date(_) => (6, shown_value(value).into_bytes()),
        Value::Time(_) => (7, shown_value(value).into_bytes()),
    }
}

/// A value as a person reads it.
fn shown_value(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("'{}'", text.replace('\'', "''")),
            Err(_) => format!("0x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        },
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Date(date) => {
            let day = format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
            match date.time {
                None => format!("'{day}'"),
                Some((hour, minute, second, micro)) => {
                    format!("'{day} {hour:02}:{minute:02}:{second:02}.{micro:06}'")
                }
            }
        }
        Value::Time(time) => format!("{time:?}"),
    }
}

#[cfg(test)]
mod tests {
    use jurat_wire::mysql::{
        column_type::ColumnType,
        command::execute::{BoundValue, ParameterType},
        row::{Date, Value},
    };

    use super::{bound, shown_value};

    #[test]
    fn a_value_is_shown_as_it_is_meant() {
        let day = Date { year: 2026, month: 2, day: 3, time: None };
        let hour = Date { time: Some((4, 5, 6, 7)), ..day };
        for (value, shown) in [
            (Value::Null, "NULL"),
            (Value::Bytes(b"O'Neil"), "'O''Neil'"),
            (Value::Bytes(&[0xff, 0]), "0xff00"),
            (Value::Int(-7), "-7"),
            (Value::UInt(7), "7"),
            (Value::Double(1.5), "1.5"),
            (Value::Date(day), "'2026-02-03'"),
            (Value::Date(hour), "'2026-02-03 04:05:06.000007'"),
        ] {
            assert_eq!(shown_value(&value), shown);
        }
    }

    /// Two executions are the same only where every byte that decides what they mean is.
    #[test]
    fn values_of_other_types_are_other_values() {
        let one = |value, kind, unsigned| {
            let types = [ParameterType { kind, unsigned }];
            bound(&[BoundValue::Value(value)], &types).unwrap().bytes
        };
        let seven = one(Value::Int(7), ColumnType::Long, false);
        assert_eq!(seven, one(Value::Int(7), ColumnType::Long, false));
        for other in [
            one(Value::Int(8), ColumnType::Long, false),
            one(Value::Int(7), ColumnType::LongLong, false),
            one(Value::UInt(7), ColumnType::Long, true),
            one(Value::Bytes(b"7"), ColumnType::VarString, false),
            one(Value::Null, ColumnType::Long, false),
        ] {
            assert_ne!(seven, other);
        }
        assert!(bound(&[BoundValue::LongData], &[]).is_none());
    }
}

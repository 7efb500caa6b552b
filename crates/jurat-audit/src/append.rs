//! How a record gets its place in the log and into the segment.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use jurat_types::{OutcomeRecord, RecordBody, rfc3339_bytes};

use crate::json;
use crate::line;
use crate::log::{AppendError, Inner, Receipt, lock};
use crate::options::AuditOptions;
use crate::run::{DecisionModel, DecisionRun};
use crate::state::{Span, State};
use crate::tree::{Hash, leaf_hash};

thread_local! {
    /// The memory in which this thread serializes records.
    static BODY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer that one long record has made larger than this is given back.
const BUFFER_KEPT_MAX: usize = 64 * 1024;

/// Records that wait for the next write have at most this many bytes; the one that goes over is written.
const PENDING_MAX: usize = 48 * 1024;

/// Outcomes of one record have at most this many bytes, if there is more than one.
const OUTCOMES_MAX: usize = 32 * 1024;

/// Where a record stands.
struct Place {
    seq: u64,
    segment: u64,
    leaf: Hash,
}

impl Inner {
    /// See [`AuditLog::append`](crate::AuditLog::append).
    pub(crate) fn append(&self, body: RecordBody, later: bool) -> Result<Receipt, AppendError> {
        match &body {
            // Whoever reads the log finds what happened before in front of it. Runs do not bring the
            // outcomes along: there are many of them.
            RecordBody::Approval(_)
            | RecordBody::Decision(_)
            | RecordBody::Session(_)
            | RecordBody::System(_) => {
                self.place_outcomes()?;
            }
            RecordBody::Run(_) | RecordBody::Outcome(_) | RecordBody::Outcomes(_) => {}
        }
        let mut buffer = BODY.take();
        buffer.clear();
        let result = match serde_json::to_writer(&mut buffer, &body) {
            Ok(()) => self.append_bytes(&buffer, later),
            Err(error) => Err(AppendError::Json { reason: error.to_string() }),
        };
        keep(buffer);
        let Place { seq, segment, leaf } = result?;
        let decision_id = match body {
            RecordBody::Decision(decision) => Some(decision.decision_id),
            RecordBody::Run(run) => Some(run.decision_id),
            RecordBody::Outcome(outcome) => Some(outcome.decision_id),
            RecordBody::Approval(_)
            | RecordBody::Outcomes(_)
            | RecordBody::Session(_)
            | RecordBody::System(_) => None,
        };
        Ok(Receipt { seq, segment, leaf, decision_id })
    }

    /// See [`AuditLog::append_run`](crate::AuditLog::append_run).
    pub(crate) fn append_run(
        &self,
        model: &DecisionModel,
        run: &DecisionRun<'_>,
    ) -> Result<Option<Receipt>, AppendError> {
        let mut buffer = BODY.take();
        buffer.clear();
        model.render(run, &mut buffer);
        let result = self.append_bytes_to(&buffer, true, Some(model.segment));
        keep(buffer);
        Ok(result?.map(|Place { seq, segment, leaf }| Receipt {
            seq,
            segment,
            leaf,
            decision_id: Some(run.decision_id.to_owned()),
        }))
    }

    /// See [`AuditLog::append_outcome`](crate::AuditLog::append_outcome).
    pub(crate) fn append_outcome(&self, outcome: &OutcomeRecord) -> Result<(), AppendError> {
        let mut buffer = BODY.take();
        buffer.clear();
        json::outcome(&mut buffer, outcome);
        let result = self.gather_outcome(&buffer);
        keep(buffer);
        result
    }

    fn gather_outcome(&self, outcome: &[u8]) -> Result<(), AppendError> {
        let mut state = lock(&self.state)?;
        if !state.outcomes.is_empty() && state.outcomes.len() + outcome.len() > OUTCOMES_MAX {
            drop(state);
            self.place_outcomes()?;
            state = lock(&self.state)?;
        }
        self.refuse_while_unwell(&state)?;
        if state.outcomes_count > 0 {
            state.outcomes.push(b',');
        }
        state.outcomes.extend_from_slice(outcome);
        state.outcomes_count += 1;
        if !std::mem::replace(&mut state.flusher_awake, true) {
            self.flush_bell.ring();
        }
        Ok(())
    }

    /// Gives the outcomes that were gathered a place in the log, in one record.
    pub(crate) fn place_outcomes(&self) -> Result<(), AppendError> {
        let (outcomes, count) = {
            let mut state = lock(&self.state)?;
            (std::mem::take(&mut state.outcomes), std::mem::take(&mut state.outcomes_count))
        };
        let mut body = Vec::with_capacity(outcomes.len() + 64);
        match count {
            0 => return Ok(()),
            1 => {
                body.extend_from_slice(b"{\"type\":\"outcome\",");
                body.extend_from_slice(outcomes.get(1..).unwrap_or_default());
            }
            _ => {
                body.extend_from_slice(b"{\"type\":\"outcomes\",\"outcomes\":[");
                body.extend_from_slice(&outcomes);
                body.extend_from_slice(b"]}");
            }
        }
        if let Err(error) = self.append_bytes(&body, true) {
            // They wait for the next try, before those that came meanwhile.
            let mut state = lock(&self.state)?;
            let meanwhile = std::mem::replace(&mut state.outcomes, outcomes);
            if state.outcomes_count > 0 {
                state.outcomes.push(b',');
                state.outcomes.extend_from_slice(&meanwhile);
            }
            state.outcomes_count += count;
            return Err(error);
        }
        Ok(())
    }

    /// See [`AuditLog::written`](crate::AuditLog::written).
    pub(crate) fn write_through(&self, seq: u64) -> Result<(), AppendError> {
        let mut state = lock(&self.state)?;
        if state.written > seq { Ok(()) } else { self.write_all(&mut state) }
    }

    fn append_bytes(&self, body: &[u8], can_wait: bool) -> Result<Place, AppendError> {
        // Without a wish for a segment there is a place.
        self.append_bytes_to(body, can_wait, None)?.ok_or(AppendError::Unknown)
    }

    /// Nothing where `only` is not the segment that is written to.
    fn append_bytes_to(
        &self,
        body: &[u8],
        can_wait: bool,
        only: Option<u64>,
    ) -> Result<Option<Place>, AppendError> {
        let max = self.options.record_bytes_max.min(AuditOptions::LINE_BYTES_MAX);
        let bytes = body.len().saturating_add(line::OVERHEAD_MAX);
        if bytes > max {
            return Err(AppendError::TooLarge { bytes, max });
        }
        let now = rfc3339_bytes(nanoseconds((self.clock)()));
        let mut guard = self.state_with_room(body.len())?;
        let state = &mut *guard;
        let segment = state.span.segment;
        if only.is_some_and(|only| only != segment) {
            return Ok(None);
        }
        // The order of the records is the order of their timestamps, whatever the clock does.
        let later = now.as_slice() > state.timestamp.as_slice();
        let timestamp = if later { now.as_slice() } else { state.timestamp.as_slice() };
        let before = state.pending.len();
        line::write(&mut state.pending, state.next, timestamp, &state.previous, body);
        let line = state.pending.get(before..).unwrap_or_default();
        let leaf = leaf_hash(line.strip_suffix(b"\n").unwrap_or(line));
        if can_wait && state.pending.len() <= PENDING_MAX {
            if !std::mem::replace(&mut state.flusher_awake, true) {
                self.flush_bell.ring();
            }
        } else {
            let through = state.next + 1;
            if let Err(error) = self.write_pending(state, through) {
                state.pending.truncate(before);
                return Err(error);
            }
        }
        let seq = state.next;
        state.next += 1;
        state.previous = leaf;
        if later {
            state.timestamp.clear();
            state.timestamp.extend_from_slice(&now);
        }
        state.unsigned.push(leaf);
        if state.unsigned.len() >= self.options.checkpoint_records {
            self.sign_bell.ring();
        }
        Ok(Some(Place { seq, segment, leaf }))
    }

    /// Fails while a sync has failed or too many records wait for a checkpoint.
    fn refuse_while_unwell(&self, state: &State) -> Result<(), AppendError> {
        if state.closed {
            return Err(AppendError::Closed);
        }
        if let Some(source) = &state.sync_failed {
            return Err(AppendError::Sync { source: Arc::clone(source) });
        }
        if state.unsigned.len() >= self.options.unsigned_max {
            self.sign_bell.ring();
            let slow = || Arc::new(io::Error::new(io::ErrorKind::TimedOut, "signing is too slow"));
            let source = state.sign_failed.as_ref().map_or_else(slow, Arc::clone);
            return Err(AppendError::Checkpoint { records: state.next - state.signed, source });
        }
        Ok(())
    }

    /// The state, when it may be appended to and its segment has room.
    fn state_with_room(&self, body: usize) -> Result<MutexGuard<'_, State>, AppendError> {
        loop {
            let state = lock(&self.state)?;
            self.refuse_while_unwell(&state)?;
            if self.has_room(&state, body) {
                return Ok(state);
            }
            drop(state);
            self.rotate(body)?;
        }
    }

    /// Whether a record fits into the segment; into an empty one every record does.
    pub(crate) fn has_room(&self, state: &State, body: usize) -> bool {
        let bytes = u64::try_from(body.saturating_add(line::OVERHEAD_MAX)).unwrap_or(u64::MAX);
        let waiting = u64::try_from(state.pending.len()).unwrap_or(u64::MAX);
        let to = state.span.to.saturating_add(waiting);
        to == 0 || to.saturating_add(bytes) <= self.options.segment_bytes
    }

    /// Cuts off what a failed write has left, where that could not be done at once.
    pub(crate) fn cut_torn_bytes(&self, state: &mut State) -> Result<(), AppendError> {
        if state.dirty {
            let span = &state.span;
            let failed = |error| write_error(span, error);
            self.storage.truncate(&span.file, span.to).map_err(failed)?;
            state.dirty = false;
        }
        Ok(())
    }

    /// Writes every record that has its place, or nothing of those that wait.
    pub(crate) fn write_all(&self, state: &mut State) -> Result<(), AppendError> {
        let through = state.next;
        self.write_pending(state, through)
    }

    /// Writes what waits; `through` is the number of records in the log then.
    fn write_pending(&self, state: &mut State, through: u64) -> Result<(), AppendError> {
        if state.pending.is_empty() {
            return Ok(());
        }
        self.cut_torn_bytes(state)?;
        let bytes = state.pending.len();
        let error = match self.storage.write_at(&state.span.file, &state.pending, state.span.to) {
            Ok(written) if written == bytes => {
                state.span.to += u64::try_from(written).unwrap_or_default();
                state.written = through;
                if state.pending.capacity() > BUFFER_KEPT_MAX {
                    state.pending = Vec::new();
                }
                state.pending.clear();
                return Ok(());
            }
            // A short write means a full disk, a limit or a quota.
            Ok(_) => io::Error::from(io::ErrorKind::StorageFull),
            Err(error) => error,
        };
        // What was written of them must not stay; where even that fails, the next append begins
        // with it and takes nothing before it has succeeded.
        let failed = write_error(&state.span, error);
        state.dirty = self.storage.truncate(&state.span.file, state.span.to).is_err();
        Err(failed)
    }
}

fn nanoseconds(moment: SystemTime) -> i64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn keep(buffer: Vec<u8>) {
    if buffer.capacity() <= BUFFER_KEPT_MAX {
        BODY.set(buffer);
    }
}

fn write_error(span: &Span, error: io::Error) -> AppendError {
    AppendError::Write { path: span.path.clone(), source: Arc::new(error) }
}

//! The log: append a record, wait until it is durable, sign.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

use jurat_types::{RecordBody, SystemRecord};
use tokio::sync::watch;

use crate::bell::Bell;
use crate::key::SigningKey;
use crate::line;
use crate::open::{self, OpenError};
use crate::options::AuditOptions;
use crate::state::{Span, State};
use crate::storage::{FileSystem, Storage};
use crate::sync;
use crate::time;
use crate::tree::{Hash, Tree, leaf_hash};

/// An open log. One process has it, and any number of threads may append.
#[derive(Debug)]
pub struct AuditLog {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Proof that a record is stored. Only [`AuditLog::append`] makes one, and it cannot be copied.
#[must_use = "a record without its receipt proves nothing"]
#[derive(Debug)]
pub struct Receipt {
    seq: u64,
    leaf: Hash,
    decision_id: Option<String>,
}

/// Why a record is not stored, or not durable. The log goes on as soon as the cause is gone, without
/// being opened again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The record is too long; a shorter one would be taken.
    #[error("the record has {bytes} bytes, more than the {max} that one may have")]
    TooLarge {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// The record cannot be written as JSON.
    #[error("the record cannot be written as JSON: {reason}")]
    Json {
        /// What serde said.
        reason: String,
    },
    /// The system did not take the record: a full disk, a failing disk.
    #[error("the record cannot be written to {path}")]
    Write {
        /// The segment.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Records are written and not known to be on stable storage.
    #[error("records cannot be brought to stable storage")]
    Sync {
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Checkpoints cannot be written.
    #[error("{records} records wait for a checkpoint that cannot be written")]
    Checkpoint {
        /// How many records are not covered by one.
        records: u64,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The log has been closed.
    #[error("the log is closed")]
    Closed,
    /// A thread ended in the middle of a change, so that what is in memory cannot be trusted.
    #[error("the log was left in an unknown state and must be opened again")]
    Unknown,
}

impl AuditLog {
    /// Opens the log in `dir`, and makes the directory and the log where there is none.
    ///
    /// What an earlier process left is checked against its checkpoint from the last signed segment on.
    /// A last line that a crash cut off is moved to a `.torn` file, statements that were let through and
    /// never ended get the outcome `unknown`, and a system record `recovered` tells both. The clock
    /// gives the time of each record. Two threads run until the log is closed: one syncs, one signs.
    ///
    /// # Errors
    /// Where another process has the log, where it does not match its checkpoint or its key, and where
    /// files cannot be read or written: see [`OpenError`].
    pub fn open(
        dir: &Path,
        key: SigningKey,
        options: AuditOptions,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        Self::open_with(dir, key, options, clock, Arc::new(FileSystem))
    }

    /// As [`AuditLog::open`], with another way to change files.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn open_with(
        dir: &Path,
        key: SigningKey,
        options: AuditOptions,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
        storage: Arc<dyn Storage>,
    ) -> Result<Self, OpenError> {
        let recovered = open::recover(dir, &key, storage.as_ref())?;
        let (progress, _) = watch::channel(Progress {
            durable: recovered.state.next,
            failures: 0,
            error: None,
            closed: false,
        });
        let inner = Arc::new(Inner {
            dir: dir.to_owned(),
            key,
            options,
            clock: Box::new(clock),
            storage,
            state: Mutex::new(recovered.state),
            tree: Mutex::new(recovered.tree),
            syncing: Mutex::new(()),
            progress,
            sync_bell: Bell::default(),
            sign_bell: Bell::default(),
            _lock: recovered.lock,
        });
        let log = Self { inner, threads: Mutex::default() };
        log.tell_recovery(recovered.torn, recovered.unfinished)?;
        log.checkpoint()?;
        let threads = sync::spawn(&log.inner).map_err(|source| OpenError::Thread { source })?;
        *log.threads.lock().unwrap_or_else(PoisonError::into_inner) = threads;
        Ok(log)
    }

    /// Appends a record. When it returns, the kernel has the whole record: it survives the end of this
    /// process. For the end of the machine see [`AuditLog::durable`].
    ///
    /// It costs one system call under a lock. Only when a segment is full, which is once every
    /// [`AuditOptions::segment_bytes`], one caller waits until that segment is on stable storage.
    ///
    /// # Errors
    /// No error leaves a part of the record in the log. The next call tries again, so the log heals
    /// when its cause is gone.
    pub fn append(&self, body: RecordBody) -> Result<Receipt, AppendError> {
        self.inner.append(body)
    }

    /// Waits until the record is on stable storage. One sync serves everybody who waits.
    ///
    /// # Errors
    /// [`AppendError::Sync`] where that failed: the record may be lost when the machine ends, and the log
    /// takes no record until a sync succeeds. [`AppendError::Closed`] where the log was closed first.
    pub async fn durable(&self, receipt: &Receipt) -> Result<(), AppendError> {
        let mut progress = self.inner.progress.subscribe();
        let before = progress.borrow_and_update().failures;
        self.inner.sync_bell.ring();
        loop {
            {
                let now = progress.borrow_and_update();
                if now.durable > receipt.seq {
                    return Ok(());
                }
                if let (true, Some(source)) = (now.failures != before, &now.error) {
                    return Err(AppendError::Sync { source: Arc::clone(source) });
                }
                if now.closed {
                    return Err(AppendError::Closed);
                }
            }
            if progress.changed().await.is_err() {
                return Err(AppendError::Closed);
            }
        }
    }

    /// Brings every record to stable storage and signs a checkpoint over them. It waits for the disk:
    /// call it where that is allowed.
    ///
    /// # Errors
    /// [`AppendError::Sync`] and [`AppendError::Checkpoint`]; the next call tries again.
    pub fn checkpoint(&self) -> Result<(), AppendError> {
        self.inner.sign()
    }

    /// Appends a system record `heartbeat` and signs a checkpoint, so that a log in which nothing
    /// happens proves that nothing happened. The caller chooses when. It waits for the disk.
    ///
    /// # Errors
    /// As [`AuditLog::append`] and [`AuditLog::checkpoint`].
    pub fn heartbeat(&self) -> Result<Receipt, AppendError> {
        let receipt = self.append(system("heartbeat", BTreeMap::new()))?;
        self.checkpoint()?;
        Ok(receipt)
    }

    /// Why the log takes no records at present, or is about to stop taking them; `None` where all is
    /// well. For a health check.
    #[must_use]
    pub fn trouble(&self) -> Option<AppendError> {
        let state = match lock(&self.inner.state) {
            Ok(state) => state,
            Err(error) => return Some(error),
        };
        if state.closed {
            return Some(AppendError::Closed);
        }
        let sync = state.sync_failed.clone().map(|source| AppendError::Sync { source });
        sync.or_else(|| {
            let records = state.next - state.signed;
            state.sign_failed.clone().map(|source| AppendError::Checkpoint { records, source })
        })
    }

    /// Takes no more records, signs what there is, and ends the threads. Dropping the log does the
    /// same, and can only log an error.
    ///
    /// # Errors
    /// As [`AuditLog::checkpoint`]; the log is closed nevertheless.
    pub fn close(&self) -> Result<(), AppendError> {
        let first = !std::mem::replace(&mut lock(&self.inner.state)?.closed, true);
        let result = if first { self.inner.sign() } else { Ok(()) };
        self.inner.progress.send_modify(|progress| progress.closed = true);
        self.inner.sync_bell.stop();
        self.inner.sign_bell.stop();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has nothing left to do.
            drop(thread.join());
        }
        result
    }

    /// Says in the log itself what was found when it was opened.
    fn tell_recovery(
        &self,
        torn: Option<open::Torn>,
        unfinished: Vec<String>,
    ) -> Result<(), AppendError> {
        if torn.is_none() && unfinished.is_empty() {
            return Ok(());
        }
        let mut details = BTreeMap::from([("unfinished".to_owned(), unfinished.len().into())]);
        if let Some(torn) = torn {
            tracing::warn!(bytes = torn.bytes, file = torn.file, "moved a torn record aside");
            details.insert("torn_bytes".to_owned(), torn.bytes.into());
            details.insert("torn_file".to_owned(), torn.file.into());
        }
        drop(self.append(system("recovered", details))?);
        for decision_id in unfinished {
            drop(self.append(open::unknown_outcome(decision_id))?);
        }
        Ok(())
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        match self.close() {
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "the log was closed without a checkpoint"),
        }
    }
}

impl Receipt {
    /// The record's place in the log, from 0.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The record's leaf hash.
    #[must_use]
    pub fn leaf(&self) -> &[u8; 32] {
        &self.leaf
    }

    /// The decision that the record is about, where it is about one.
    #[must_use]
    pub fn decision_id(&self) -> Option<&str> {
        self.decision_id.as_deref()
    }
}

/// How far stable storage has come.
#[derive(Debug)]
pub(crate) struct Progress {
    /// How many records are on it.
    pub(crate) durable: u64,
    /// How many syncs have failed.
    pub(crate) failures: u64,
    pub(crate) error: Option<Arc<io::Error>>,
    pub(crate) closed: bool,
}

/// What the log shares with its threads. Locks are taken in the order tree, syncing, state.
pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    pub(crate) key: SigningKey,
    pub(crate) options: AuditOptions,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) state: Mutex<State>,
    /// The tree at the last checkpoint; whoever holds it is the one who signs.
    pub(crate) tree: Mutex<Tree>,
    /// Whoever holds it is the one who syncs.
    pub(crate) syncing: Mutex<()>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) sync_bell: Bell,
    pub(crate) sign_bell: Bell,
    /// The lock on the directory, held until the log is dropped.
    _lock: File,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("dir", &self.dir).finish_non_exhaustive()
    }
}

thread_local! {
    /// The memory in which this thread serializes records.
    static BODY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer that one long record has made larger than this is given back.
const BUFFER_KEPT_MAX: usize = 64 * 1024;

impl Inner {
    fn append(&self, body: RecordBody) -> Result<Receipt, AppendError> {
        let mut buffer = BODY.take();
        buffer.clear();
        let result = match serde_json::to_writer(&mut buffer, &body) {
            Ok(()) => self.append_bytes(&buffer),
            Err(error) => Err(AppendError::Json { reason: error.to_string() }),
        };
        if buffer.capacity() <= BUFFER_KEPT_MAX {
            BODY.set(buffer);
        }
        let (seq, leaf) = result?;
        let decision_id = match body {
            RecordBody::Decision(decision) => Some(decision.decision_id),
            RecordBody::Outcome(outcome) => Some(outcome.decision_id),
            RecordBody::Session(_) | RecordBody::System(_) => None,
        };
        Ok(Receipt { seq, leaf, decision_id })
    }

    fn append_bytes(&self, body: &[u8]) -> Result<(u64, Hash), AppendError> {
        let max = self.options.record_bytes_max.min(AuditOptions::LINE_BYTES_MAX);
        let bytes = body.len().saturating_add(line::OVERHEAD_MAX);
        if bytes > max {
            return Err(AppendError::TooLarge { bytes, max });
        }
        let now = time::rfc3339((self.clock)());
        let mut guard = self.state_with_room(body.len())?;
        let state = &mut *guard;
        // The order of the records is the order of their timestamps, whatever the clock does.
        let timestamp = if now > state.timestamp { now } else { state.timestamp.clone() };
        let mut line = std::mem::take(&mut state.line);
        line::write(&mut line, state.next, &timestamp, &state.previous, body);
        let written = self.write_line(state, &line);
        let leaf = leaf_hash(line.strip_suffix(b"\n").unwrap_or(&line));
        if line.capacity() <= BUFFER_KEPT_MAX {
            state.line = line;
        }
        written?;
        let seq = state.next;
        state.next += 1;
        state.previous = leaf;
        state.timestamp = timestamp;
        state.unsigned.push(leaf);
        if state.unsigned.len() >= self.options.checkpoint_records {
            self.sign_bell.ring();
        }
        Ok((seq, leaf))
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
        let to = state.span.to;
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

    /// Writes a whole line at the end of the log, or nothing.
    fn write_line(&self, state: &mut State, line: &[u8]) -> Result<(), AppendError> {
        self.cut_torn_bytes(state)?;
        let span = &mut state.span;
        let error = match self.storage.write_at(&span.file, line, span.to) {
            Ok(written) if written == line.len() => {
                span.to += u64::try_from(line.len()).unwrap_or_default();
                return Ok(());
            }
            // A short write means a full disk, a limit or a quota.
            Ok(_) => io::Error::from(io::ErrorKind::StorageFull),
            Err(error) => error,
        };
        // What was written of the line must not stay; where even that fails, the next append begins
        // with it and takes nothing before it has succeeded.
        state.dirty = self.storage.truncate(&span.file, span.to).is_err();
        Err(write_error(span, error))
    }
}

fn write_error(span: &Span, error: io::Error) -> AppendError {
    AppendError::Write { path: span.path.clone(), source: Arc::new(error) }
}

/// Takes a lock whose holder may not have ended in the middle of a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, AppendError> {
    mutex.lock().map_err(|_poisoned| AppendError::Unknown)
}

fn system(event: &str, details: BTreeMap<String, serde_json::Value>) -> RecordBody {
    RecordBody::System(SystemRecord { event: event.to_owned(), details })
}

//! The log: append a record, wait until it is durable, sign.

use std::collections::BTreeMap;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::SystemTime;

use jurat_types::{OutcomeRecord, RecordBody, SystemRecord};
use tokio::sync::watch;

use crate::bell::Bell;
use crate::key::SigningKey;
use crate::open::{self, OpenError};
use crate::options::AuditOptions;
use crate::run::{DecisionModel, DecisionRun};
use crate::state::State;
use crate::storage::{FileSystem, Storage};
use crate::sync;
use crate::tree::{Hash, Tree};

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
    pub(crate) seq: u64,
    pub(crate) segment: u64,
    pub(crate) leaf: Hash,
    pub(crate) decision_id: Option<String>,
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
    #[error("the record cannot be written to {path}: {source}")]
    Write {
        /// The segment.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Records are written and not known to be on stable storage.
    #[error("records cannot be brought to stable storage: {source}")]
    Sync {
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Checkpoints cannot be written.
    #[error("{records} records wait for a checkpoint that cannot be written: {source}")]
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
    /// gives the time of each record. Three threads run until the log is closed: one
    /// syncs, one signs, one writes what nothing else has carried along.
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
            flush_bell: Bell::default(),
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
        self.inner.append(body, false)
    }

    /// As [`AuditLog::append`], for a decision that lets a statement through: it has its place in the log at
    /// once, and the statement may not be sent before [`AuditLog::written`] or [`AuditLog::durable`] says so.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_later(&self, body: RecordBody) -> Result<Receipt, AppendError> {
        self.inner.append(body, true)
    }

    /// Returns when the kernel has the record, so that it survives the end of this process. Others on the
    /// same thread get their turn first, so that one system call serves all of them.
    ///
    /// # Errors
    /// [`AppendError::Write`] where the system does not take it. It stays in its place, and goes with the
    /// next write that succeeds.
    pub async fn written(&self, receipt: &Receipt) -> Result<(), AppendError> {
        let mut waited = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.inner.write_through(receipt.seq)
    }

    /// As [`AuditLog::append_later`], for one more run of a statement whose decision is on record: only what
    /// differs is written. Nothing where that record stands in a file that is full; then the whole record
    /// has to be appended.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_run(
        &self,
        model: &DecisionModel,
        run: &DecisionRun<'_>,
    ) -> Result<Option<Receipt>, AppendError> {
        self.inner.append_run(model, run)
    }

    /// As [`AuditLog::append_run`], and as [`AuditLog::append`] the kernel has it when this returns.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_run_now(
        &self,
        model: &DecisionModel,
        run: &DecisionRun<'_>,
    ) -> Result<Option<Receipt>, AppendError> {
        let receipt = self.inner.append_run(model, run)?;
        if let Some(receipt) = &receipt {
            self.inner.write_through(receipt.seq)?;
        }
        Ok(receipt)
    }

    /// Takes the outcome of a statement. It gets its place in the log, and goes to the kernel, together with
    /// others after at most [`AuditOptions::outcome_delay`], or before the next record that is no run. A process that is killed in between leaves the decision without an outcome, and the next
    /// opening records `unknown` for it.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_outcome(&self, outcome: &OutcomeRecord) -> Result<(), AppendError> {
        self.inner.append_outcome(outcome)
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

    /// How many records the log has, and how many of them no checkpoint covers yet. For metrics.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        lock(&self.inner.state)
            .map_or((0, 0), |state| (state.next, state.next.saturating_sub(state.signed)))
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
        let placed = self.inner.place_outcomes();
        let first = !std::mem::replace(&mut lock(&self.inner.state)?.closed, true);
        let result = if first { placed.and(self.inner.sign()) } else { Ok(()) };
        self.inner.progress.send_modify(|progress| progress.closed = true);
        self.inner.sync_bell.stop();
        self.inner.sign_bell.stop();
        self.inner.flush_bell.stop();
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
    pub(crate) clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) state: Mutex<State>,
    /// The tree at the last checkpoint; whoever holds it is the one who signs.
    pub(crate) tree: Mutex<Tree>,
    /// Whoever holds it is the one who syncs.
    pub(crate) syncing: Mutex<()>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) sync_bell: Bell,
    pub(crate) sign_bell: Bell,
    pub(crate) flush_bell: Bell,
    /// The lock on the directory, held until the log is dropped.
    _lock: File,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Takes a lock whose holder may not have ended in the middle of a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, AppendError> {
    mutex.lock().map_err(|_poisoned| AppendError::Unknown)
}

fn system(event: &str, details: BTreeMap<String, serde_json::Value>) -> RecordBody {
    RecordBody::System(SystemRecord { event: event.to_owned(), details })
}

//! Sessions as they are now, for people who look at them and end them.
//!
//! A session writes a few words about itself here as it goes on; nothing of it decides anything.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};

use jurat_types::{Principal, SessionTotals};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{JudgedStatement, Login, prepared::Standing};

/// What a session does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    /// It waits for its client.
    Idle,
    /// It waits for its client, with a transaction open.
    IdleInTransaction,
    /// A statement runs.
    Running,
    /// A statement waits for consent.
    Held,
}

impl LiveState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Idle => "idle",
            Self::IdleInTransaction => "idle in transaction",
            Self::Running => "running",
        }
    }
}

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const HELD: u8 = 2;

/// One session as it is now.
#[derive(Debug)]
pub struct Live {
    /// Its id.
    pub id: String,
    /// Whose it is, and whether its connection is encrypted.
    standing: Arc<Standing>,
    /// What its client calls itself.
    pub application: Option<String>,
    /// Where its client connects from.
    pub client_addr: String,
    /// When it began, nanoseconds since the Unix epoch.
    pub started_ns: i64,
    activity: AtomicU8,
    in_transaction: AtomicBool,
    statements: AtomicU64,
    denied: AtomicU64,
    rows_read: AtomicU64,
    rows_written: AtomicU64,
    last: Mutex<Option<Arc<JudgedStatement>>>,
    killed_by: Mutex<Option<String>>,
    end: CancellationToken,
}

impl Live {
    pub(crate) fn new(
        id: String,
        login: &Login,
        standing: &Arc<Standing>,
        started_ns: i64,
    ) -> Self {
        Self {
            id,
            standing: Arc::clone(standing),
            application: login.claimed.application.clone(),
            client_addr: login.client_addr.clone(),
            started_ns,
            activity: AtomicU8::new(IDLE),
            in_transaction: AtomicBool::new(false),
            statements: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            rows_read: AtomicU64::new(0),
            rows_written: AtomicU64::new(0),
            last: Mutex::new(None),
            killed_by: Mutex::new(None),
            end: CancellationToken::new(),
        }
    }

    /// Whose it is.
    pub fn principal(&self) -> &Principal {
        &self.standing.principal
    }

    /// Whether its connection is encrypted.
    pub fn tls(&self) -> bool {
        self.standing.tls
    }

    /// Whether something of it is under way. Front-ends say so.
    pub fn set_running(&self, running: bool) {
        self.activity.store(if running { RUNNING } else { IDLE }, Ordering::Relaxed);
    }

    /// It waits for consent from now on, or does not any more.
    pub fn set_held(&self, held: bool) {
        self.activity.store(if held { HELD } else { RUNNING }, Ordering::Relaxed);
    }

    pub(crate) fn set_in_transaction(&self, in_transaction: bool) {
        self.in_transaction.store(in_transaction, Ordering::Relaxed);
    }

    /// Only the session itself writes, so plain stores are enough.
    pub(crate) fn set_totals(&self, totals: &SessionTotals) {
        self.statements.store(totals.statements, Ordering::Relaxed);
        self.denied.store(totals.denied, Ordering::Relaxed);
        self.rows_read.store(totals.rows_read, Ordering::Relaxed);
        self.rows_written.store(totals.rows_written, Ordering::Relaxed);
    }

    pub(crate) fn set_last(&self, judged: &Arc<JudgedStatement>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !last.as_ref().is_some_and(|last| Arc::ptr_eq(last, judged)) {
            *last = Some(Arc::clone(judged));
        }
    }

    /// What it does.
    pub fn state(&self) -> LiveState {
        match self.activity.load(Ordering::Relaxed) {
            HELD => LiveState::Held,
            RUNNING => LiveState::Running,
            _ if self.in_transaction.load(Ordering::Relaxed) => LiveState::IdleInTransaction,
            _ => LiveState::Idle,
        }
    }

    /// What it has done so far.
    pub fn totals(&self) -> SessionTotals {
        SessionTotals {
            statements: self.statements.load(Ordering::Relaxed),
            rows_read: self.rows_read.load(Ordering::Relaxed),
            rows_written: self.rows_written.load(Ordering::Relaxed),
            denied: self.denied.load(Ordering::Relaxed),
        }
    }

    /// The statement that was judged last.
    pub(crate) fn last(&self) -> Option<Arc<JudgedStatement>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the session. The front-end notices, tells the client, and stops what the database runs for it.
    pub(crate) fn kill(&self, by: &str) {
        *self.killed_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(by.to_owned());
        self.end.cancel();
    }

    /// Who has ended the session over the admin port, where somebody has.
    pub fn killed_by(&self) -> Option<String> {
        self.killed_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Is canceled when the session is to end.
    pub fn end(&self) -> CancellationToken {
        self.end.clone()
    }
}

/// The sessions of one database.
#[derive(Debug, Default)]
pub(crate) struct LiveSessions(Mutex<HashMap<String, Arc<Live>>>);

impl LiveSessions {
    pub(crate) fn add(&self, live: &Arc<Live>) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(live.id.clone(), Arc::clone(live));
    }

    pub(crate) fn remove(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

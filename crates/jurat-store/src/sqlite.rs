//! Requests in a SQLite file, which several processes of one machine may share.
//!
//! Every step that changes something begins with `BEGIN IMMEDIATE`, which one connection at a time may do,
//! and ends with a commit that waits for the disk (`synchronous = FULL`). A process that is killed leaves
//! a step done or not begun.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jurat_core::{
    Approval, ApprovalState, ApprovalStore, Asked, Caps, Freeze, Spending, StoreError,
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

mod outbox;

/// How long a step waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Decided requests that are kept for looking at; the record keeps all of them.
const KEPT_MAX: i64 = 10_000;

/// The steps from an empty file to what this program reads. Never change one; add one.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        requester TEXT NOT NULL,
        state TEXT NOT NULL,
        created_ns INTEGER NOT NULL,
        expires_ns INTEGER NOT NULL,
        body TEXT NOT NULL
     ) STRICT;
     CREATE INDEX approvals_by_digest ON approvals (digest);
     CREATE INDEX approvals_by_state ON approvals (state, expires_ns);",
    "CREATE TABLE freezes (
        name TEXT PRIMARY KEY,
        body TEXT NOT NULL
     ) STRICT;",
    "CREATE TABLE outbox (
        id TEXT PRIMARY KEY,
        receiver TEXT NOT NULL,
        body TEXT NOT NULL,
        tries INTEGER NOT NULL,
        due_ns INTEGER NOT NULL,
        created_ns INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX outbox_by_receiver ON outbox (receiver, created_ns, id);
     CREATE INDEX outbox_by_age ON outbox (created_ns);",
];

/// Requests in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    /// Held for one step, on threads that may wait.
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the file, makes it where there is none, and brings it up to date. Nobody but its owner can
    /// read it: it holds texts of statements.
    ///
    /// # Errors
    /// Where it cannot be used, or was made by a newer program.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        own_only(file)?;
        let mut connection = Connection::open(file).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        migrate(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A step that panicked was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step, done for good or not at all.
    fn step<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let step =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let result = work(&step)?;
        step.commit().map_err(failed)?;
        Ok(result)
    }
}

impl ApprovalStore for SqliteStore {
    fn ask(&self, new: &Approval, caps: Caps, now_ns: i64) -> Result<Asked, StoreError> {
        self.step(|step| {
            if let Some(known) = find_same(step, &new.digest, now_ns)? {
                return Ok(Asked::Known(Box::new(known)));
            }
            let requester = &new.intent.principal.id;
            let (own, total): (i64, i64) = step
                .query_row(
                    "SELECT coalesce(sum(requester = ?1), 0), count(*) FROM approvals \
                     WHERE state = 'pending' AND expires_ns > ?2",
                    params![requester, now_ns],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .map_err(failed)?;
            let full = |count: i64, cap: usize| usize::try_from(count).unwrap_or(usize::MAX) >= cap;
            if full(own, caps.per_principal) {
                return Ok(Asked::Full { own: true });
            }
            if full(total, caps.total) {
                return Ok(Asked::Full { own: false });
            }
            write(step, new)?;
            Ok(Asked::New(Box::new(new.clone())))
        })
    }

    fn find(&self, digest: &str, now_ns: i64) -> Result<Option<Approval>, StoreError> {
        find_same(&self.connection(), digest, now_ns)
    }

    fn change(
        &self,
        id: &str,
        change: &mut dyn FnMut(&mut Approval) -> bool,
    ) -> Result<Option<Approval>, StoreError> {
        self.step(|step| {
            let Some(mut approval) = find(step, id)? else { return Ok(None) };
            if change(&mut approval) {
                write(step, &approval)?;
            }
            Ok(Some(approval))
        })
    }

    fn spend(&self, spendings: &[Spending], now_ns: i64) -> Result<bool, StoreError> {
        let spent = self.step(|step| {
            for Spending { id, digest, decision_id } in spendings {
                let Some(mut approval) = find(step, id)? else { return Err(NOT_THERE()) };
                if !approval.spend(digest, decision_id, now_ns) {
                    return Err(NOT_THERE());
                }
                write(step, &approval)?;
            }
            Ok(true)
        });
        match spent {
            // The step was given up, so none of them was used.
            Err(error) if error == NOT_THERE() => Ok(false),
            other => other,
        }
    }

    fn get(&self, id: &str) -> Result<Option<Approval>, StoreError> {
        find(&self.connection(), id)
    }

    fn list(&self, open: bool, count: usize) -> Result<Vec<Approval>, StoreError> {
        let connection = self.connection();
        let mut query = connection
            .prepare(
                "SELECT body FROM approvals WHERE NOT ?1 OR state IN ('pending', 'approved') \
                 ORDER BY created_ns DESC, id LIMIT ?2",
            )
            .map_err(failed)?;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let bodies =
            query.query_map(params![open, count], |row| row.get::<_, String>(0)).map_err(failed)?;
        bodies.map(|body| read(&body.map_err(failed)?)).collect()
    }

    fn expire(&self, now_ns: i64) -> Result<Vec<Approval>, StoreError> {
        self.step(|step| {
            let mut over = Vec::new();
            {
                let mut query = step
                    .prepare(
                        "SELECT body FROM approvals WHERE state IN ('pending', 'approved') \
                         AND expires_ns <= ?1",
                    )
                    .map_err(failed)?;
                let bodies = query
                    .query_map(params![now_ns], |row| row.get::<_, String>(0))
                    .map_err(failed)?;
                for body in bodies {
                    over.push(read(&body.map_err(failed)?)?);
                }
            }
            over.retain_mut(|approval: &mut Approval| approval.age(now_ns));
            for approval in &over {
                write(step, approval)?;
            }
            step.execute(
                "DELETE FROM approvals WHERE state NOT IN ('pending', 'approved') AND expires_ns <= ?1 \
                 AND id NOT IN (SELECT id FROM approvals ORDER BY created_ns DESC LIMIT ?2)",
                params![now_ns, KEPT_MAX],
            )
            .map_err(failed)?;
            Ok(over)
        })
    }

    fn freezes(&self) -> Result<Vec<Freeze>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT body FROM freezes").map_err(failed)?;
        let bodies = query.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
        let read = |body: String| {
            serde_json::from_str(&body).map_err(|error| StoreError(error.to_string()))
        };
        bodies.map(|body| read(body.map_err(failed)?)).collect()
    }

    fn freeze(&self, freeze: &Freeze) -> Result<(), StoreError> {
        let body = serde_json::to_string(freeze).map_err(|error| StoreError(error.to_string()))?;
        self.step(|step| {
            step.execute(
                "INSERT OR REPLACE INTO freezes (name, body) VALUES (?1, ?2)",
                params![freeze.database, body],
            )
            .map(drop)
            .map_err(failed)
        })
    }

    fn unfreeze(&self, database: &str) -> Result<(), StoreError> {
        self.step(|step| {
            step.execute("DELETE FROM freezes WHERE name = ?1", params![database])
                .map(drop)
                .map_err(failed)
        })
    }
}

/// A grant that is to be used is not there to be used.
const NOT_THERE: fn() -> StoreError = || StoreError("the grant is gone".to_owned());

/// Makes the file where there is none, so that its owner alone can read it from the beginning.
fn own_only(file: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let opened = options.open(file).and_then(|opened| opened.metadata());
        let mode = opened.map_err(|error| StoreError(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(StoreError("others may read the file; set its mode to 600".to_owned()));
        }
    }
    #[cfg(not(unix))]
    options.open(file).map(drop).map_err(|error| StoreError(error.to_string()))?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let step =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let version: usize = step
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map_err(failed)
        .and_then(|version| {
            usize::try_from(version).map_err(|_negative| StoreError("its version".to_owned()))
        })?;
    let Some(missing) = MIGRATIONS.get(version..) else {
        return Err(StoreError("a newer jurat has made the file".to_owned()));
    };
    for migration in missing {
        step.execute_batch(migration).map_err(failed)?;
    }
    step.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))
        .map_err(failed)?;
    step.commit().map_err(failed)
}

fn find_same(
    connection: &Connection,
    digest: &str,
    now_ns: i64,
) -> Result<Option<Approval>, StoreError> {
    let body = connection
        .query_row(
            "SELECT body FROM approvals WHERE digest = ?1 AND expires_ns > ?2 \
             AND state IN ('pending', 'approved', 'denied') ORDER BY created_ns DESC LIMIT 1",
            params![digest, now_ns],
            |row| row.get::<_, String>(0),
        )
        .optional()
        .map_err(failed)?;
    body.map(|body| read(&body)).transpose()
}

fn find(connection: &Connection, id: &str) -> Result<Option<Approval>, StoreError> {
    let body = connection
        .query_row("SELECT body FROM approvals WHERE id = ?1", params![id], |row| {
            row.get::<_, String>(0)
        })
        .optional()
        .map_err(failed)?;
    body.map(|body| read(&body)).transpose()
}

fn write(step: &Transaction<'_>, approval: &Approval) -> Result<(), StoreError> {
    let body = serde_json::to_string(approval).map_err(|error| StoreError(error.to_string()))?;
    let state: ApprovalState = approval.state;
    step.execute(
        "INSERT INTO approvals (id, digest, requester, state, created_ns, expires_ns, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (id) DO UPDATE SET state = ?4, expires_ns = ?6, body = ?7 \
         WHERE digest = ?2 AND requester = ?3",
        params![
            approval.id,
            approval.digest,
            approval.intent.principal.id,
            state.as_str(),
            approval.created_ns,
            approval.expires_ns,
            body
        ],
    )
    .map_err(failed)
    .and_then(|rows| if rows == 1 { Ok(()) } else { Err(StoreError("an id is taken".to_owned())) })
}

fn read(body: &str) -> Result<Approval, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError(error.to_string()))
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}

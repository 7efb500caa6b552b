//! Messages that were not delivered yet, in the same file.

use jurat_core::{NextMessage as Next, Outbox, Outgoing, StoreError};
use rusqlite::{OptionalExtension as _, params};

use super::{SqliteStore, failed};

impl Outbox for SqliteStore {
    fn put_message(
        &self,
        message: &Outgoing,
        most: usize,
        oldest_ns: i64,
    ) -> Result<bool, StoreError> {
        self.step(|step| {
            step.execute("DELETE FROM outbox WHERE created_ns < ?1", params![oldest_ns])
                .map_err(failed)?;
            let waiting: i64 = step
                .query_row(
                    "SELECT count(*) FROM outbox WHERE receiver = ?1",
                    params![message.receiver],
                    |row| row.get(0),
                )
                .map_err(failed)?;
            if usize::try_from(waiting).unwrap_or(usize::MAX) >= most {
                return Ok(false);
            }
            let Outgoing { id, receiver, body, tries, due_ns, created_ns } = message;
            step.execute(
                "INSERT INTO outbox (id, receiver, body, tries, due_ns, created_ns) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id, receiver, body, tries, due_ns, created_ns],
            )
            .map_err(failed)?;
            Ok(true)
        })
    }

    fn take_message(&self, receiver: &str, now_ns: i64, until_ns: i64) -> Result<Next, StoreError> {
        self.step(|step| {
            let oldest = step
                .query_row(
                    "SELECT id, body, tries, due_ns, created_ns FROM outbox WHERE receiver = ?1 \
                     ORDER BY created_ns, id LIMIT 1",
                    params![receiver],
                    |row| {
                        Ok(Outgoing {
                            id: row.get(0)?,
                            receiver: receiver.to_owned(),
                            body: row.get(1)?,
                            tries: row.get(2)?,
                            due_ns: row.get(3)?,
                            created_ns: row.get(4)?,
                        })
                    },
                )
                .optional()
                .map_err(failed)?;
            let Some(oldest) = oldest else { return Ok(Next::Nothing) };
            if oldest.due_ns > now_ns {
                return Ok(Next::At(oldest.due_ns));
            }
            step.execute(
                "UPDATE outbox SET due_ns = ?2 WHERE id = ?1",
                params![oldest.id, until_ns],
            )
            .map_err(failed)?;
            Ok(Next::Message(Box::new(oldest)))
        })
    }

    fn put_off_message(&self, id: &str, tries: u32, due_ns: i64) -> Result<(), StoreError> {
        self.step(|step| {
            step.execute(
                "UPDATE outbox SET tries = ?2, due_ns = ?3 WHERE id = ?1",
                params![id, tries, due_ns],
            )
            .map(drop)
            .map_err(failed)
        })
    }

    fn remove_message(&self, id: &str) -> Result<(), StoreError> {
        self.step(|step| {
            step.execute("DELETE FROM outbox WHERE id = ?1", params![id]).map(drop).map_err(failed)
        })
    }

    fn messages_waiting(&self) -> Result<u64, StoreError> {
        let count: i64 = self
            .connection()
            .query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))
            .map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

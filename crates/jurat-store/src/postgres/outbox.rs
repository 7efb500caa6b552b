//! Messages that were not delivered yet, which any replica delivers.

use jurat_core::{NextMessage as Next, Outbox, Outgoing, StoreError};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{PostgresStore, link::failed};

impl Outbox for PostgresStore {
    fn put_message(
        &self,
        message: &Outgoing,
        most: usize,
        oldest_ns: i64,
    ) -> Result<bool, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let tries = i64::from(message.tries);
        let Outgoing { id, receiver, body, due_ns, created_ns, .. } = message;
        self.step(async |client| {
            let old = "DELETE FROM jurat.outbox WHERE created_ns < $1";
            client.query_typed(old, &[(&oldest_ns, Type::INT8)]).await.map_err(failed)?;
            let values: [(&(dyn ToSql + Sync), Type); 7] = [
                (id, Type::TEXT),
                (receiver, Type::TEXT),
                (body, Type::TEXT),
                (&tries, Type::INT8),
                (due_ns, Type::INT8),
                (created_ns, Type::INT8),
                (&most, Type::INT8),
            ];
            // Replicas that put at once may each put one too many, and no more.
            let put = client
                .query_typed(
                    "INSERT INTO jurat.outbox (id, receiver, body, tries, due_ns, created_ns) \
                     SELECT $1, $2, $3, $4, $5, $6 \
                     WHERE (SELECT count(*) FROM jurat.outbox WHERE receiver = $2) < $7 RETURNING id",
                    &values,
                )
                .await
                .map_err(failed)?;
            Ok(!put.is_empty())
        })
    }

    fn take_message(&self, receiver: &str, now_ns: i64, until_ns: i64) -> Result<Next, StoreError> {
        self.step(async |client| {
            let oldest = client
                .query_typed(
                    "SELECT id, receiver, body, tries, due_ns, created_ns FROM jurat.outbox \
                     WHERE receiver = $1 ORDER BY created_ns, id LIMIT 1 FOR UPDATE",
                    &[(&receiver, Type::TEXT)],
                )
                .await
                .map_err(failed)?;
            let Some(oldest) = oldest.first().map(read).transpose()? else {
                return Ok(Next::Nothing);
            };
            if oldest.due_ns > now_ns {
                return Ok(Next::At(oldest.due_ns));
            }
            let taken = "UPDATE jurat.outbox SET due_ns = $2 WHERE id = $1";
            let values: [(&(dyn ToSql + Sync), Type); 2] =
                [(&oldest.id, Type::TEXT), (&until_ns, Type::INT8)];
            client.query_typed(taken, &values).await.map_err(failed)?;
            Ok(Next::Message(Box::new(oldest)))
        })
    }

    fn put_off_message(&self, id: &str, tries: u32, due_ns: i64) -> Result<(), StoreError> {
        let tries = i64::from(tries);
        self.step(async |client| {
            let text = "UPDATE jurat.outbox SET tries = $2, due_ns = $3 WHERE id = $1";
            let values: [(&(dyn ToSql + Sync), Type); 3] =
                [(&id, Type::TEXT), (&tries, Type::INT8), (&due_ns, Type::INT8)];
            client.query_typed(text, &values).await.map(drop).map_err(failed)
        })
    }

    fn remove_message(&self, id: &str) -> Result<(), StoreError> {
        self.step(async |client| {
            let text = "DELETE FROM jurat.outbox WHERE id = $1";
            client.query_typed(text, &[(&id, Type::TEXT)]).await.map(drop).map_err(failed)
        })
    }

    fn messages_waiting(&self) -> Result<u64, StoreError> {
        self.step(async |client| {
            let text = "SELECT count(*) FROM jurat.outbox";
            let found = client.query_typed(text, &[]).await.map_err(failed)?;
            let count = found.first().map(|row| row.try_get::<_, i64>(0)).transpose();
            Ok(count.map_err(failed)?.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
        })
    }
}

fn read(row: &Row) -> Result<Outgoing, StoreError> {
    let tries: i64 = row.try_get(3).map_err(failed)?;
    Ok(Outgoing {
        id: row.try_get(0).map_err(failed)?,
        receiver: row.try_get(1).map_err(failed)?,
        body: row.try_get(2).map_err(failed)?,
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        due_ns: row.try_get(4).map_err(failed)?,
        created_ns: row.try_get(5).map_err(failed)?,
    })
}

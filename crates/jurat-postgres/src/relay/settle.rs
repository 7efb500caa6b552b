//! From drafts to permits: what waits for the record, and for how long.

use std::sync::Arc;

use jurat_core::{Block, Draft, Permit};
use jurat_types::Refusal;
use jurat_wire::postgres::backend::TransactionStatus;

use super::Relay;
use crate::respond;

impl Relay {
    /// Waits for the records of a message. Those of writes inside a transaction of the client's own may wait until
    /// it is committed.
    pub(super) async fn settle(&mut self, mut drafts: Vec<Draft>) -> Result<Vec<Permit>, Refusal> {
        let block = self.block();
        self.unsynced.plan(&mut drafts, block);
        self.settle_for_good(drafts).await
    }

    /// Waits until the records of all that writes are on stable storage.
    pub(super) async fn settle_for_good(
        &mut self,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Permit>, Refusal> {
        let gate = Arc::clone(self.session.gate());
        let permits = gate.settle(drafts).await?;
        for permit in &permits {
            for notice in permit.notices() {
                self.tell(|out| respond::warning(out, notice, permit.decision_id()));
            }
        }
        Ok(permits)
    }

    /// What is open now. A block of Jurat's own is none of the client's: it is committed without a statement that
    /// could wait for the record.
    fn block(&self) -> Block {
        if self.script.is_some() || self.guard.holds_client() || !self.queue.only_prepares() {
            return Block::Unknown;
        }
        match self.status {
            TransactionStatus::Idle => Block::None,
            TransactionStatus::InTransaction => Block::Open,
            TransactionStatus::Failed => Block::Unknown,
        }
    }
}

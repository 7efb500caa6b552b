//! The second line behind the masks: the database says of each result column which table's column it is, and
//! none may be a masked one.
//!
//! INVARIANT(masks-at-source) holds by the text that is sent. Should that text be wrong, because a statement
//! was misread or the database is not what the catalog says, the session ends before a row is passed on.

use std::sync::Arc;

use jurat_core::{Ending, Origins, Permit};
use jurat_types::{Decision, Outcome};
use jurat_wire::postgres::backend::rows::RowDescription;

use super::{End, Relay};
use crate::queue::{Asked, Expect};

/// The SQLSTATE of a result that was withheld: insufficient privilege.
pub(super) const WITHHELD: &str = "42501";

impl Relay {
    /// Makes the database say what a portal shows before it is run. In the extended protocol it says so only
    /// where it is asked, and no client has to ask.
    ///
    /// `fixed` says that the text alone tells what is shown, unlike that of a FETCH or an EXECUTE.
    pub(super) fn ask_origins(&mut self, portal: &[u8], permit: &Permit, fixed: bool) {
        if permit.decision().masks.is_empty() {
            return;
        }
        let text = permit.text();
        if fixed && self.origins_known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &text)) {
            return;
        }
        let decision = Arc::clone(permit.decision());
        let scans = permit.scans().cloned();
        let asked = Asked { decision, scans, text: fixed.then_some(text) };
        self.upstream.describe_portal(portal);
        self.queue.push(Expect::OwnDescribe(Box::new(asked)));
    }

    /// The answer to that. Tells whether it was one.
    ///
    /// # Errors
    /// The end of the session where a masked column would be shown.
    pub(super) fn take_origins(&mut self, row: Option<&RowDescription<'_>>) -> Result<bool, End> {
        let Some(Expect::OwnDescribe(asked)) = self.queue.front() else { return Ok(false) };
        let (decision, text) = (Arc::clone(&asked.decision), asked.text.clone());
        let scans = asked.scans.clone();
        if let Some(row) = row {
            let looked_through = |at| scans.as_ref().is_some_and(|scans| scans.of(at).is_some());
            self.check_origins(row, &decision, looked_through)?;
        }
        self.queue.pop();
        self.origins_known = text;
        Ok(true)
    }

    /// Checks what the client is about to be told of a result.
    ///
    /// # Errors
    /// The end of the session where a masked column would be shown.
    pub(super) fn check_described(&mut self, row: &RowDescription<'_>) -> Result<(), End> {
        match self.queue.front() {
            Some(Expect::DescribeStatement(decision) | Expect::DescribePortal(decision)) => {
                // No row comes of this: what may is checked before it runs.
                let decision = decision.clone();
                decision.map_or(Ok(()), |decision| self.check_origins(row, &decision, |_at| true))
            }
            Some(_) | None => {
                let running = self.queue.running().and_then(|execution| execution.running.as_ref());
                let Some(run) = running.filter(|run| run.protects()) else { return Ok(()) };
                let (decision, scans) = (Arc::clone(run.decision()), run.scans().cloned());
                let looked_through =
                    |at| scans.as_ref().is_some_and(|scans| scans.of(at).is_some());
                self.check_origins(row, &decision, looked_through)
            }
        }
    }

    fn check_origins(
        &mut self,
        row: &RowDescription<'_>,
        decision: &Decision,
        looked_through: impl Fn(usize) -> bool,
    ) -> Result<(), End> {
        let origins = Origins::new(&decision.masks, &self.session.catalog());
        let mut fields = row.fields().enumerate();
        let exposed = fields.find_map(|(at, field)| {
            origins.exposed(field.table_oid, field.attnum, looked_through(at))
        });
        let Some(column) = exposed else { return Ok(()) };
        let session = self.session.id();
        tracing::error!(
            %column, session,
            "alarm: a result would have shown a masked column, and was withheld"
        );
        if let Some(running) = self.queue.next_running() {
            let sqlstate = Some(WITHHELD.to_owned());
            running.finish(Outcome::Unknown, Ending { sqlstate, ..Ending::default() });
        }
        Err(End::MaskedColumn(column.to_string()))
    }
}

//! When the database's own words may hold masked values, beyond the statement that reads them.

use jurat_core::SessionEffect;
use jurat_types::StatementClass;
use jurat_wire::postgres::backend::report::ReportFields;

use super::Relay;
use crate::queue::Expect;

impl Relay {
    /// Whether what the database says now is about masked columns.
    ///
    /// A check that is put off to the end of the transaction speaks when that ends, in the answer to a COMMIT or
    /// a Sync, and quotes a row that an earlier statement has touched.
    pub(super) fn protects(&mut self) -> bool {
        let guarded = self.guarded;
        if let Some(running) = self.queue.running().and_then(|e| e.running.as_ref()) {
            let statement = running.judged().statement();
            let ends = matches!(statement.effect(), SessionEffect::Transaction)
                || !matches!(statement.facts().class, StatementClass::Read | StatementClass::Write);
            return running.protects() || (guarded && ends);
        }
        let waits =
            matches!(self.queue.front(), Some(Expect::Sync | Expect::Query(_) | Expect::Own));
        guarded && (waits || self.queue.is_empty())
    }

    /// Whether a notice is for the client. Lines of the server's log are not: they hold the texts that were
    /// sent, masks and their salts included, and come whenever a client asks for them
    /// (`SET client_min_messages = log`) and the server is set to log statements.
    pub(super) fn passes_on(&mut self, notice: &ReportFields<'_>) -> bool {
        let severity = notice.field(b'V').or_else(|| notice.field(b'S')).unwrap_or_default();
        let logged = severity == b"LOG" || severity.starts_with(b"DEBUG");
        !logged && !self.protects()
    }
}

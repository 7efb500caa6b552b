//! Rows on their way to the client, where limits bear on what is returned or on what a write returns.

use jurat_core::{Exceeded, Over, Passing, Running};
use jurat_wire::postgres::encode::backend::{Report, Severity, notice_response};

use super::super::{
    End, Relay,
    detect::{self, look_through, row_scans},
};
use crate::respond;

/// A row, data of a COPY, or a piece of either.
#[derive(Clone, Copy, Debug)]
pub(in crate::relay) struct Row<'r> {
    pub(in crate::relay) tag: u8,
    pub(in crate::relay) bytes: &'r [u8],
    /// How long the whole row is.
    pub(in crate::relay) whole: usize,
    /// It is a further piece of a long one.
    pub(in crate::relay) goes_on: bool,
}

impl Row<'_> {
    fn counts(self) -> u64 {
        u64::try_from(self.whole).unwrap_or(u64::MAX)
    }
}

impl Relay {
    /// Handles a row, data of a COPY, or a piece of either, that has come in full.
    ///
    /// # Errors
    /// As for any other row.
    pub(in crate::relay) fn take_guarded_row(&mut self, row: Row<'_>) -> Result<(), End> {
        if !super::super::from_upstream::may_come(row.tag, &self.queue, &self.copy) {
            return Err(super::super::from_upstream::out_of_turn(row.tag));
        }
        let passes = self.row_passes(row) && self.guard.swallowing.is_none();
        let scans = row_scans(&mut self.queue, row.tag);
        if passes {
            let out = self.client.out();
            match scans {
                None => out.extend_from_slice(row.bytes),
                Some(scans) => {
                    let more = self.upstream_scanner.mid_message();
                    let row = detect::Row { piece: row.bytes, more };
                    look_through(&scans, &mut self.held, &row, out)?;
                }
            }
        }
        Ok(())
    }

    fn row_passes(&mut self, row: Row<'_>) -> bool {
        if self.guard.swallowing.is_some() {
            return false;
        }
        if row.goes_on {
            return !self.guard.drops_row;
        }
        let passing = self.count_row(row);
        self.guard.drops_row = !matches!(passing, Passing::Forward);
        match passing {
            Passing::Forward => true,
            Passing::Withhold => false,
            Passing::Truncate => {
                if !std::mem::replace(&mut self.guard.truncated, true) {
                    self.guard.rows = self.guard.rows.saturating_sub(1);
                    // Nothing of this row was passed on, so a notice may come here.
                    tell_truncated(self.client.out());
                }
                false
            }
            Passing::Refuse(exceeded) => {
                self.cut_off(exceeded);
                false
            }
        }
    }

    fn count_row(&mut self, row: Row<'_>) -> Passing {
        if self.guard.truncated {
            return Passing::Truncate;
        }
        let running = self.queue.running().and_then(|execution| execution.running.as_ref());
        let Some(limits) = running.and_then(Running::limits) else { return Passing::Forward };
        if !limits.counts_returned() {
            return Passing::Forward;
        }
        self.guard.rows = self.guard.rows.saturating_add(1);
        self.guard.bytes = self.guard.bytes.saturating_add(row.counts());
        self.session.passing(limits, self.guard.rows, self.guard.bytes)
    }

    /// Refuses a statement whose result is on its way.
    fn cut_off(&mut self, exceeded: Exceeded) {
        let so_far = self.guard.rows;
        let Some(execution) = self.queue.running() else { return };
        let Some(running) = execution.running.as_ref() else { return };
        let refusal = self.session.refuse_result(running, exceeded, so_far);
        self.refuse_ran(Over { refusal, asks: None, sampling: None });
    }
}

fn tell_truncated(out: &mut Vec<u8>) {
    let message =
        "jurat: the result is not complete: it has more than a policy lets through [JRT-ROWS]";
    let report = Report::new(Severity::Warning, "01004", message);
    respond::write(notice_response(out, &report));
}

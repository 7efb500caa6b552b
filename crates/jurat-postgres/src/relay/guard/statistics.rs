//! Rows that a statement changes beyond those of its tag: along foreign keys, by triggers, in WITH clauses.
//!
//! The statistics of the transaction say how many rows it has changed so far. They are read before and behind
//! the statement, and the difference is what it has changed, with everything that it has caused.

use jurat_core::{Counted, Ending, InForce, Lasts, Over, Running};
use jurat_types::Outcome;
use jurat_wire::postgres::{
    backend::{Backend, parse_backend},
    frame::Frame,
};

use super::super::{End, Relay, from_upstream::out_of_turn};
use crate::queue::{Execution, Expect};

/// The readings around one statement. No other runs meanwhile.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The statement is on its way, or was not judged yet.
    under_way: bool,
    /// What came last; nothing where the database does not count.
    counted: Option<u64>,
    before: Option<u64>,
    /// The statement has ended: the frame that says so, and what is recorded of it.
    ended: Option<Box<Ended>>,
}

#[derive(Debug)]
struct Ended {
    tag: Vec<u8>,
    ending: Ending,
    execution: Execution,
    simple: bool,
    /// The second reading was asked for.
    asked: bool,
}

impl Reading {
    pub(super) const fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Whether a statement is judged that came as a simple query, of which the answer is over.
    pub(super) fn was_simple(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.simple && ended.asked)
    }

    /// The statement will not be judged any more, or was.
    pub(super) fn ended(&mut self) {
        if self.ended.is_none() {
            *self = Self::default();
        }
    }

    /// Takes the number.
    pub(super) fn take(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let Ok(Backend::DataRow(values)) = parse_backend(frame.tag, frame.body) else {
            return Err(out_of_turn(frame.tag));
        };
        let value = values.iter().next().flatten();
        self.counted = value.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        Ok(())
    }
}

impl Relay {
    /// Reads the statistics before the statement that is sent next.
    pub(in crate::relay) fn count_before(&mut self) {
        self.guard.statistics = Reading { under_way: true, ..Reading::default() };
        self.count();
    }

    fn count(&mut self) {
        let left = self.upstream.count_changes();
        self.queue.push(Expect::OwnSteps { left, counts: true });
    }

    /// A statement has ended whose statistics are read once more. Tells whether its end waits for that.
    pub(super) fn counts_behind(
        &mut self,
        frame: &Frame<'_>,
        ending: &Ending,
    ) -> Result<bool, End> {
        let simple = matches!(self.queue.front(), Some(Expect::Query(_)));
        let running = self.queue.running().and_then(|execution| execution.running.as_ref());
        let needs = running.and_then(Running::limits).is_some_and(InForce::needs_statistics);
        if !needs || frame.tag == b's' || self.guard.swallowing.is_some() {
            return Ok(false);
        }
        let execution = self.take_execution(frame.tag)?;
        let (tag, ending) = (frame.whole.to_vec(), ending.clone());
        let ended = Ended { tag, ending, execution, simple, asked: !simple };
        self.guard.statistics.ended = Some(Box::new(ended));
        if !simple {
            self.count();
            self.upstream.flush();
        }
        Ok(true)
    }

    /// The answer to a simple query is over whose statistics are read once more.
    pub(super) fn counts_behind_query(&mut self) -> bool {
        let Some(ended) = &mut self.guard.statistics.ended else { return false };
        if std::mem::replace(&mut ended.asked, true) {
            return false;
        }
        self.count();
        self.upstream.flush();
        true
    }

    /// The statistics were read: before the statement, or behind it.
    pub(super) fn counted(&mut self) -> Result<(), End> {
        let counted = self.guard.statistics.counted.take();
        let Some(ended) = &self.guard.statistics.ended else {
            self.guard.statistics.before = counted;
            return Ok(());
        };
        let Some(running) = ended.execution.running.as_ref() else { return Ok(()) };
        let before = self.guard.statistics.before;
        let in_all = counted.zip(before).map(|(behind, before)| behind.saturating_sub(before));
        let judged = match ended.ending.rows {
            Some(rows) => {
                self.session.judge_counted(running, Counted { rows, in_all }, Lasts::AtOnce)
            }
            None => {
                let refusal = self.session.refuse_uncounted(running);
                Err(Box::new(Over { refusal, asks: None, sampling: None }))
            }
        };
        let stays = judged.map_err(|over| self.refuse_ran(*over)).is_ok();
        let Some(ended) = self.guard.statistics.ended.take() else { return Ok(()) };
        let Ended { tag, ending, execution, simple, .. } = *ended;
        if stays {
            self.tally(&ending);
        }
        let bracketed = self.guard.bracket.is_some();
        self.note_end(stays, execution, ending);
        self.guard.statistics = Reading::default();
        if bracketed {
            self.end_bracket(stays, tag);
        } else {
            if stays {
                self.client.out().extend_from_slice(&tag);
            }
            // It ends what was asked, and says where the transaction stands.
            if simple && (stays || self.script_has_own_block()) {
                self.push_sync();
            }
        }
        Ok(())
    }

    /// Jurat's own question has failed. The statement behind it was not run, and one before it is taken back.
    /// Tells whether the client has no Sync of its own to send.
    pub(super) fn own_step_failed(&mut self, sqlstate: Option<&String>) -> bool {
        let simple = match self.guard.statistics.ended.take() {
            Some(ended) => {
                let Ended { ending, execution, simple, .. } = *ended;
                self.copy.ended(&execution);
                self.guard.ended(&execution);
                if let Some(running) = execution.running {
                    let ending = Ending { sqlstate: sqlstate.cloned(), ..ending };
                    running.finish(Outcome::RolledBack, ending);
                }
                simple
            }
            None => self.queue.holds_query(),
        };
        self.guard.statistics = Reading::default();
        simple
    }
}

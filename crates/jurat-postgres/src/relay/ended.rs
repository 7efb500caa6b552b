//! Statements that ended well and whose outcomes are not recorded yet.
//!
//! The memory for them belongs to the thread: an idle session, of which there are many, keeps none.

use std::cell::Cell;

use jurat_core::{Ending, Running};
use jurat_types::Outcome;

thread_local! {
    static SPARE: Cell<Vec<(Running, Ending)>> = const { Cell::new(Vec::new()) };
}

/// More than this is not kept by a thread.
const SPARE_MAX: usize = 64;

/// Statements with what is recorded of them.
#[derive(Debug, Default)]
pub(super) struct Ended(Vec<(Running, Ending)>);

impl Ended {
    pub(super) fn push(&mut self, running: Running, ending: Ending) {
        if self.0.capacity() == 0 {
            self.0 = SPARE.take();
        }
        self.0.push((running, ending));
    }

    /// Records the outcomes.
    pub(super) fn record(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let mut ended = std::mem::take(&mut self.0);
        for (running, ending) in ended.drain(..) {
            running.finish(Outcome::Done, ending);
        }
        if ended.capacity() <= SPARE_MAX {
            SPARE.set(ended);
        }
    }
}

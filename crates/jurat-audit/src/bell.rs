//! Wakes one background thread: for work, or to end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A bell that one thread listens to. It remembers that it was rung, so no ring is lost.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    work: bool,
    stop: bool,
}

/// Why the listener woke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Woken {
    /// Somebody rang.
    Work,
    /// Nobody rang for the whole time.
    TimedOut,
    /// The thread is to end.
    Stop,
}

impl Bell {
    /// Asks for work.
    pub(crate) fn ring(&self) {
        // Two flags cannot be left half changed, so a poisoned lock is as good as any.
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        if !rung.work {
            rung.work = true;
            self.changed.notify_one();
        }
    }

    /// Asks the thread to end.
    pub(crate) fn stop(&self) {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.changed.notify_one();
    }

    /// Waits for the time that is given whether or not there is work; `true` where the thread is to end.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(rung, time, |rung| !rung.stop);
        waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    /// Waits until there is work, or for the time that is given.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Woken {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |rung: &mut Rung| !rung.work && !rung.stop;
        rung = match timeout {
            None => self.changed.wait_while(rung, idle).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.changed.wait_timeout_while(rung, timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if rung.stop {
            Woken::Stop
        } else if std::mem::take(&mut rung.work) {
            Woken::Work
        } else {
            Woken::TimedOut
        }
    }
}

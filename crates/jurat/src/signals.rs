//! Signals: the first TERM or INT asks for an orderly end, a second one ends at once, HUP reloads.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// The signals that matter.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    End,
    Reload,
}

impl Signals {
    /// Takes over the signals; from here on they do not end the process by themselves.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(crate) fn new() -> Result<Self, Failure> {
        let take = |kind| {
            signal(kind).map_err(|error| Failure::other(format!("no signal handling: {error}")))
        };
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
            hang_up: take(SignalKind::hangup())?,
        })
    }

    /// Cancels `shutdown` at the first request to end, calls `reload` at each HUP, and returns at the
    /// second request to end.
    pub(crate) async fn watch(mut self, shutdown: &CancellationToken, reload: impl Fn()) {
        loop {
            match self.next().await {
                Asked::Reload => reload(),
                Asked::End if shutdown.is_cancelled() => return,
                Asked::End => shutdown.cancel(),
            }
        }
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::End,
            _ = self.terminate.recv() => Asked::End,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}

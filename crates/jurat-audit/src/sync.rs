//! The background threads: one brings records to stable storage, one signs checkpoints, one writes outcomes
//! that nothing else has carried along.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};

use crate::bell::Woken;
use crate::checkpoint::{self, Checkpoint};
use crate::log::{AppendError, Inner, lock};
use crate::segment::{self, Lines, Next};
use crate::state::Span;
use crate::tile;
use crate::tree::{Hash, TILE_WIDTH, Tile, Tree, leaf_hash};

type Work = fn(&Inner);

/// Starts the threads. They end when their bells say so.
pub(crate) fn spawn(inner: &Arc<Inner>) -> io::Result<Vec<JoinHandle<()>>> {
    let works: [(&str, Work); 3] = [
        ("jurat-audit-sync", Inner::sync_forever),
        ("jurat-audit-sign", Inner::sign_forever),
        ("jurat-audit-flush", Inner::flush_forever),
    ];
    let mut threads = Vec::with_capacity(works.len());
    for (name, work) in works {
        let inner_of_thread = Arc::clone(inner);
        let builder = thread::Builder::new().name(name.to_owned());
        match builder.spawn(move || work(&inner_of_thread)) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                inner.sync_bell.stop();
                inner.sign_bell.stop();
                return Err(error);
            }
        }
    }
    Ok(threads)
}

/// After this many rounds without anything to write the thread sleeps until it is woken.
const QUIET_ROUNDS: u32 = 20;

impl Inner {
    fn sync_forever(&self) {
        let mut failed = false;
        loop {
            // After a failure the pause was the wait.
            if !failed && self.sync_bell.wait(None) == Woken::Stop {
                return;
            }
            failed = self.sync().is_err();
            if failed && self.sync_bell.pause(self.options.retry) {
                return;
            }
        }
    }

    fn sign_forever(&self) {
        let mut failed = false;
        loop {
            let interval = self.options.checkpoint_interval;
            if !failed && self.sign_bell.wait(interval) == Woken::Stop {
                return;
            }
            let news = lock(&self.state)
                .is_ok_and(|state| !state.unsigned.is_empty() || !state.outcomes.is_empty());
            failed = news && self.sign().is_err();
            if failed && self.sign_bell.pause(self.options.retry) {
                return;
            }
        }
    }

    /// While there is work it looks at short intervals instead of being woken for each outcome.
    fn flush_forever(&self) {
        while self.flush_bell.wait(None) != Woken::Stop {
            let mut quiet = 0;
            let mut pause = self.options.outcome_delay;
            loop {
                if self.flush_bell.pause(pause) {
                    return;
                }
                let placed = self.place_outcomes();
                let Ok(mut state) = lock(&self.state) else { return };
                let nothing = state.pending.is_empty() && state.outcomes.is_empty();
                quiet = if nothing { quiet + 1 } else { 0 };
                if quiet > QUIET_ROUNDS {
                    state.flusher_awake = false;
                    break;
                }
                pause = match placed.and(self.write_all(&mut state)) {
                    Ok(()) => self.options.outcome_delay,
                    Err(error) => {
                        // A disk that is full stays so for longer than that.
                        tracing::error!(%error, "records wait to be written");
                        self.options.retry
                    }
                };
            }
        }
    }

    /// Brings every record to stable storage, and tells everybody who waits. Gives their number.
    pub(crate) fn sync(&self) -> Result<u64, AppendError> {
        let turn = lock(&self.syncing)?;
        self.sync_in_turn(&turn)
    }

    /// Ends the segment and begins the next one, unless somebody else has, or has appended meanwhile.
    ///
    /// The segment is brought to stable storage first, so that a power cut can only ever tear the last
    /// one. Others may append what still fits while that takes its time.
    pub(crate) fn rotate(&self, body: usize) -> Result<(), AppendError> {
        let turn = lock(&self.syncing)?;
        let durable = self.sync_in_turn(&turn)?;
        let mut state = lock(&self.state)?;
        if self.has_room(&state, body) || state.next != durable {
            return Ok(());
        }
        self.cut_torn_bytes(&mut state)?;
        let segment = state.span.segment + 1;
        let path = self.dir.join(segment::name(segment));
        match self.storage.create(&path) {
            Ok(file) => {
                let (file, first) = (Arc::new(file), state.next);
                state.span = Span { segment, path, file, from: 0, to: 0, first };
                Ok(())
            }
            Err(source) => Err(AppendError::Write { path, source: Arc::new(source) }),
        }
    }

    fn sync_in_turn(&self, _turn: &MutexGuard<'_, ()>) -> Result<u64, AppendError> {
        let (written, span, count, failed_before, signed, leaves) = {
            let mut state = lock(&self.state)?;
            let written = self.write_all(&mut state);
            let failed = state.sync_failed.is_some();
            let leaves = if failed { state.unsigned.clone() } else { Vec::new() };
            (written, state.span.clone(), state.next, failed, state.signed, leaves)
        };
        if let Err(error) = written {
            self.tell_failure(&Arc::new(io::Error::other(error.clone())));
            return Err(error);
        }
        if !failed_before && self.progress.borrow().durable == count {
            return Ok(count);
        }
        let result = in_place(&span)
            .and_then(|()| match failed_before {
                true => self.write_again(&span, &leaves, signed),
                false => Ok(()),
            })
            .and_then(|()| self.storage.sync(&span.file));
        let mut state = lock(&self.state)?;
        match result {
            Ok(()) => {
                state.span.from = span.to;
                state.span.first = count;
                state.sync_failed = None;
                drop(state);
                if failed_before {
                    tracing::info!("records are on stable storage again");
                }
                self.progress.send_modify(|progress| {
                    progress.durable = count;
                    progress.error = None;
                });
                Ok(count)
            }
            Err(error) => {
                tracing::error!(%error, "records cannot be brought to stable storage");
                let source = Arc::new(error);
                state.sync_failed = Some(Arc::clone(&source));
                drop(state);
                self.tell_failure(&source);
                Err(AppendError::Sync { source })
            }
        }
    }

    /// Whoever it was that failed, the thread tries again until it succeeds.
    fn tell_failure(&self, source: &Arc<io::Error>) {
        self.sync_bell.ring();
        self.progress.send_modify(|progress| {
            progress.failures += 1;
            progress.error = Some(Arc::clone(source));
        });
    }

    /// Writes the records of a span over themselves.
    ///
    /// After a failed sync Linux may hold pages as clean that never reached the disk, and the next sync
    /// then succeeds without them. Writing them again makes that sync mean something. The records are
    /// read back from the file, so their hashes are compared with those in memory first.
    fn write_again(&self, span: &Span, leaves: &[Hash], signed: u64) -> io::Result<()> {
        let mut lines = Lines::open(&self.dir, span.segment, span.from)?;
        let mut seq = span.first;
        let mut line = Vec::new();
        while lines.offset < span.to {
            let offset = lines.offset;
            let next = lines.next(&mut line)?;
            let at = seq.checked_sub(signed).and_then(|at| usize::try_from(at).ok());
            let expected = at.and_then(|at| leaves.get(at));
            if next != Next::Line || expected != Some(&leaf_hash(&line)) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("record {seq} is no longer what was written"),
                ));
            }
            line.push(b'\n');
            if self.storage.write_at(&span.file, &line, offset)? != line.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            seq += 1;
        }
        Ok(())
    }

    /// Brings every record to stable storage, then their tiles, then a checkpoint over them.
    pub(crate) fn sign(&self) -> Result<(), AppendError> {
        let mut tree = lock(&self.tree)?;
        self.place_outcomes()?;
        let leaves = lock(&self.state)?.unsigned.clone();
        // A checkpoint over records that a power cut can take away would make the log look tampered.
        self.sync()?;
        match self.write_checkpoint(&tree, &leaves) {
            Ok(next) => {
                let mut state = lock(&self.state)?;
                let covered = leaves.len().min(state.unsigned.len());
                state.unsigned.drain(..covered);
                state.signed = next.size();
                state.sign_failed = None;
                *tree = next;
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "a checkpoint cannot be written");
                let source = Arc::new(error);
                let mut state = lock(&self.state)?;
                state.sign_failed = Some(Arc::clone(&source));
                let records = state.next - state.signed;
                Err(AppendError::Checkpoint { records, source })
            }
        }
    }

    fn write_checkpoint(&self, tree: &Tree, leaves: &[Hash]) -> io::Result<Tree> {
        let mut next = tree.clone();
        let mut full = Vec::new();
        for leaf in leaves {
            next.push(*leaf, |tile| full.push(tile));
        }
        let partial: Vec<_> = tree.partial_tiles().collect();
        let before: Vec<String> = partial.iter().map(Tile::name).collect();
        let files: Vec<_> = full
            .iter()
            .cloned()
            .chain(next.partial_tiles())
            .map(|tile| (tile.name(), tile.bytes()))
            .filter(|(name, _)| !before.contains(name))
            .map(|(name, bytes)| (self.dir.join(name), bytes))
            .collect();
        self.storage.replace_all(&files)?;
        let text = Checkpoint::sign(next.size(), &next.root(), &self.key);
        self.storage.replace(&self.dir.join(checkpoint::FILE), text.as_bytes())?;
        let had_partial =
            |tile: &Tile| partial.iter().any(|p| (p.level, p.index) == (tile.level, tile.index));
        for tile in full.into_iter().filter(had_partial) {
            // Nobody needs the partial tiles of a full one. Left behind they do no harm.
            let name = tile::name(tile.level, tile.index, TILE_WIDTH);
            fs::remove_dir_all(self.dir.join(format!("{name}.p"))).ok();
        }
        Ok(next)
    }
}

/// Fails where the file under a segment's name is no longer the one that is being written, because
/// somebody has moved or replaced it.
fn in_place(span: &Span) -> io::Result<()> {
    let (held, named) = (span.file.metadata()?, fs::symlink_metadata(&span.path)?);
    if (held.dev(), held.ino()) == (named.dev(), named.ino()) {
        return Ok(());
    }
    Err(io::Error::other(format!("{} was moved or replaced", span.path.display())))
}

//! Opening a log: the lock, the check against the checkpoint, and what a crash has left.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jurat_types::{Outcome, OutcomeRecord, RecordBody};

use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::key::SigningKey;
use crate::line::{Head, NO_PREVIOUS, Step};
use crate::log::AppendError;
use crate::segment::{self, Lines, Next, Place};
use crate::state::{Span, State};
use crate::storage::{FILE_MODE, Storage, create_directories};
use crate::tile::{self, Leaves, TileError};
use crate::tree::{Hash, Tree, leaf_hash};

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the log in {dir} is in use by another process")]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are records and no checkpoint. Every log has one from its first moment on.
    #[error("{dir} holds records but no checkpoint: it was removed")]
    NoCheckpoint {
        /// The directory.
        dir: PathBuf,
    },
    /// The checkpoint is not ours.
    #[error("the checkpoint in {dir} is not taken")]
    Checkpoint {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: CheckpointError,
    },
    /// A tile cannot be read.
    #[error("a tile in {dir} is not usable")]
    Tile {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: TileError,
    },
    /// The tiles do not give the root that was signed.
    #[error("the tiles in {dir} do not match the signed checkpoint")]
    Root {
        /// The directory.
        dir: PathBuf,
    },
    /// A segment is missing between others.
    #[error("{file} is missing in {dir}")]
    Gap {
        /// The directory.
        dir: PathBuf,
        /// The segment.
        file: String,
    },
    /// Signed records are missing.
    #[error(
        "{dir} holds {found} records, and its checkpoint covers {signed}: records were removed"
    )]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// How many are there.
        found: u64,
        /// How many there must be.
        signed: u64,
    },
    /// A record is not the one that was written.
    #[error("record {seq} ({file} line {line}): {problem}")]
    Record {
        /// The record.
        seq: u64,
        /// Its segment.
        file: String,
        /// Its line in the segment, from 1.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// What was found cannot be recorded, or the checkpoint cannot be written.
    #[error("the log cannot be written")]
    Append {
        /// Why.
        #[from]
        source: AppendError,
    },
    /// No thread can be started.
    #[error("no thread can be started")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// A log that is ready to be written.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) lock: File,
    pub(crate) tree: Tree,
    pub(crate) state: State,
    pub(crate) torn: Option<Torn>,
    /// Decisions that let a statement through and have no outcome.
    pub(crate) unfinished: Vec<String>,
}

/// A line that a crash cut off.
#[derive(Debug)]
pub(crate) struct Torn {
    pub(crate) bytes: u64,
    /// Where it was moved to, relative to the log's directory.
    pub(crate) file: String,
}

/// Takes the lock, checks what is there, and puts the state together.
pub(crate) fn recover(
    dir: &Path,
    key: &SigningKey,
    storage: &dyn Storage,
) -> Result<Recovered, OpenError> {
    create_directories(dir).map_err(at(dir))?;
    let lock = take_lock(dir)?;
    let segments = segment::list(dir).map_err(at(dir))?;
    if let Some(missing) = segment::gap(&segments) {
        return Err(OpenError::Gap { dir: dir.to_owned(), file: segment::name(missing) });
    }
    let tree = signed_tree(dir, key, storage, &segments)?;
    let mut scan = Scan::new(dir, &tree);
    let first = first_segment_to_read(dir, &segments, tree.size())?;
    let torn_at = scan.read(segments.iter().copied().filter(|index| *index >= first))?;
    if scan.next < tree.size() {
        let (found, signed) = (scan.next, tree.size());
        return Err(OpenError::Missing { dir: dir.to_owned(), found, signed });
    }
    let last = segments.last().copied().unwrap_or(0);
    let (span, torn) = tail_segment(dir, last, &scan, torn_at, storage)?;
    for index in first..last {
        // What an earlier process left unsynced must not be taken for durable.
        let path = dir.join(segment::name(index));
        File::open(&path).and_then(|file| file.sync_data()).map_err(at(&path))?;
    }
    let state = State {
        next: scan.next,
        previous: scan.previous,
        timestamp: scan.timestamp.into_bytes(),
        span,
        signed: tree.size(),
        unsigned: scan.unsigned,
        dirty: false,
        sync_failed: None,
        sign_failed: None,
        closed: false,
        written: scan.next,
        pending: Vec::new(),
        outcomes: Vec::new(),
        outcomes_count: 0,
        flusher_awake: false,
    };
    Ok(Recovered { lock, tree, state, torn, unfinished: scan.open.into_iter().collect() })
}

/// The outcome of a statement whose end nobody saw.
pub(crate) fn unknown_outcome(decision_id: String) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        decision_id,
        outcome: Outcome::Unknown,
        rows: None,
        command: None,
        sqlstate: None,
        duration_us: 0,
    })
}

fn at(path: &Path) -> impl Fn(io::Error) -> OpenError + '_ {
    |source| OpenError::Io { path: path.to_owned(), source }
}

fn take_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    let file = options.open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

/// The tree that the checkpoint is about. A new log gets its first checkpoint before its first segment,
/// so that a log without one is known to have lost it.
fn signed_tree(
    dir: &Path,
    key: &SigningKey,
    storage: &dyn Storage,
    segments: &[u64],
) -> Result<Tree, OpenError> {
    let path = dir.join(checkpoint::FILE);
    let text = match checkpoint::read_text(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !segments.is_empty() {
                return Err(OpenError::NoCheckpoint { dir: dir.to_owned() });
            }
            let text = Checkpoint::sign(0, &Tree::default().root(), key);
            storage.replace(&path, text.as_bytes()).map_err(at(&path))?;
            text
        }
        result => result.map_err(at(&path))?,
    };
    let checkpoint = Checkpoint::parse(&text, key.verifying_key())
        .map_err(|source| OpenError::Checkpoint { dir: dir.to_owned(), source })?;
    let tree = Tree::from_edge(checkpoint.size, |level, index, width| {
        tile::read(dir, level, index, width).map(|tile| tile.hashes)
    })
    .map_err(|source| OpenError::Tile { dir: dir.to_owned(), source })?;
    if tree.root() != checkpoint.root {
        return Err(OpenError::Root { dir: dir.to_owned() });
    }
    Ok(tree)
}

/// The segment that holds the last signed record: what is before it need not be read again.
fn first_segment_to_read(dir: &Path, segments: &[u64], signed: u64) -> Result<u64, OpenError> {
    let mut line = Vec::new();
    for index in segments.iter().rev() {
        let io = at(dir);
        let mut lines = Lines::open(dir, *index, 0).map_err(&io)?;
        let first = match lines.next(&mut line).map_err(&io)? {
            Next::Line => Head::parse(&line).ok().map(|head| head.seq),
            Next::Torn | Next::TooLong | Next::End => None,
        };
        if first.is_some_and(|first| first < signed.max(1)) {
            return Ok(*index);
        }
    }
    Ok(0)
}

/// Opens the last segment for writing, and moves aside what a crash has left behind its last line.
fn tail_segment(
    dir: &Path,
    last: u64,
    scan: &Scan<'_>,
    torn_at: Option<u64>,
    storage: &dyn Storage,
) -> Result<(Span, Option<Torn>), OpenError> {
    let path = dir.join(segment::name(last));
    let io = at(&path);
    let file = match std::fs::symlink_metadata(&path) {
        Ok(_) => OpenOptions::new().read(true).write(true).open(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => storage.create(&path),
        Err(error) => Err(error),
    };
    let mut file = file.map_err(&io)?;
    let torn = match torn_at {
        None => None,
        Some(offset) => Some(move_aside(dir, &mut file, last, offset, storage).map_err(&io)?),
    };
    storage.sync(&file).map_err(&io)?;
    let to = file.metadata().map_err(&io)?.len();
    let file = Arc::new(file);
    let span = Span { segment: last, path: path.clone(), file, from: to, to, first: scan.next };
    Ok((span, torn))
}

fn move_aside(
    dir: &Path,
    file: &mut File,
    segment: u64,
    offset: u64,
    storage: &dyn Storage,
) -> io::Result<Torn> {
    // The bytes are evidence; what they are is told by the `recovered` record.
    const KEPT_MAX: u64 = 16 * 1024 * 1024;
    let bytes = file.metadata()?.len().saturating_sub(offset);
    file.seek(SeekFrom::Start(offset))?;
    let mut kept = Vec::new();
    (&mut *file).take(KEPT_MAX).read_to_end(&mut kept)?;
    let name = format!("{}.{offset}.torn", segment::name(segment));
    storage.replace(&dir.join(&name), &kept)?;
    storage.truncate(file, offset)?;
    Ok(Torn { bytes, file: name })
}

/// Reads records from a segment on, and checks them against the tiles and against each other.
#[derive(Debug)]
struct Scan<'a> {
    dir: &'a Path,
    leaves: Leaves<'a>,
    next: u64,
    previous: Hash,
    timestamp: String,
    unsigned: Vec<Hash>,
    open: BTreeSet<String>,
}

impl<'a> Scan<'a> {
    fn new(dir: &'a Path, tree: &Tree) -> Self {
        Self {
            dir,
            leaves: Leaves::new(dir, tree.size()),
            next: 0,
            previous: NO_PREVIOUS,
            timestamp: String::new(),
            unsigned: Vec::new(),
            open: BTreeSet::new(),
        }
    }

    /// Reads the segments; gives the offset in the last one at which a torn line begins.
    fn read(&mut self, segments: impl Iterator<Item = u64>) -> Result<Option<u64>, OpenError> {
        let mut line = Vec::new();
        let mut begun = false;
        let mut segments = segments.peekable();
        while let Some(index) = segments.next() {
            let path = self.dir.join(segment::name(index));
            let io = at(&path);
            let mut lines = Lines::open(self.dir, index, 0).map_err(&io)?;
            loop {
                match lines.next(&mut line).map_err(&io)? {
                    Next::Line => {}
                    Next::End => break,
                    // More than a line without an end is no record either: a power cut can leave
                    // a run of zeros.
                    Next::Torn | Next::TooLong if segments.peek().is_none() => {
                        return Ok(Some(lines.offset));
                    }
                    Next::Torn | Next::TooLong => {
                        return Err(self.bad(&lines.next_place(), "has no end"));
                    }
                }
                self.take(&line, &lines.place(), &mut begun)?;
            }
        }
        Ok(None)
    }

    fn take(&mut self, line: &[u8], place: &Place, begun: &mut bool) -> Result<(), OpenError> {
        let tile = |source| OpenError::Tile { dir: self.dir.to_owned(), source };
        let Ok(mut head) = Head::parse(line) else {
            return Err(self.bad(place, "is not a record"));
        };
        if !*begun {
            // The record before the first one that is read stands in a segment that is not.
            self.next = head.seq;
            if let Some(before) = head.seq.checked_sub(1) {
                self.previous = self.leaves.get(before).map_err(tile)?.unwrap_or(NO_PREVIOUS);
            }
            *begun = true;
        }
        if head.seq != self.next {
            return Err(self.bad(place, "is not the one that follows the record before it"));
        }
        let hash = leaf_hash(line);
        match self.leaves.get(self.next).map_err(tile)? {
            Some(stored) if stored != hash => {
                return Err(self.bad(place, "does not match its hash in the tiles"));
            }
            Some(_) => {}
            None => self.unsigned.push(hash),
        }
        if !head.follows(&self.previous) {
            return Err(self.bad(place, "does not carry the hash of the record before it"));
        }
        match head.step() {
            Some(Step::Decision(id, true)) => {
                self.open.insert(id);
            }
            Some(Step::Run { decision_id, of: _, result: false }) => {
                self.open.insert(decision_id);
            }
            Some(Step::Outcomes(ids)) => {
                for id in ids {
                    self.open.remove(&id);
                }
            }
            Some(
                Step::Decision(_, false)
                | Step::Other
                | Step::Result(_)
                | Step::Run { result: true, .. },
            ) => {}
            None => return Err(self.bad(place, "is not a record")),
        }
        self.timestamp = head.timestamp.into_owned();
        self.previous = hash;
        self.next += 1;
        Ok(())
    }

    fn bad(&self, place: &Place, problem: &'static str) -> OpenError {
        let Place { file, line } = place.clone();
        OpenError::Record { seq: self.next, file, line, problem }
    }
}

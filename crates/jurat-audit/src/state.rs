//! What the log holds in memory, behind one lock that is never held over anything but one write.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::tree::Hash;

/// The end of the log, where records are added.
#[derive(Debug)]
pub(crate) struct State {
    /// The sequence number of the next record.
    pub(crate) next: u64,
    /// The leaf hash of the last record.
    pub(crate) previous: Hash,
    /// The timestamp of the last record; the next one is never earlier.
    pub(crate) timestamp: Vec<u8>,
    /// The segment that is written to. All segments before it are on stable storage.
    pub(crate) span: Span,
    /// How many records the last checkpoint covers.
    pub(crate) signed: u64,
    /// The leaf hashes of the records after that.
    pub(crate) unsigned: Vec<Hash>,
    /// Whether there may be bytes behind the last whole record that could not be cut off.
    pub(crate) dirty: bool,
    /// Why the last sync failed, until one succeeds.
    pub(crate) sync_failed: Option<Arc<io::Error>>,
    /// Why the last checkpoint failed, until one succeeds.
    pub(crate) sign_failed: Option<Arc<io::Error>>,
    pub(crate) closed: bool,
    /// How many records are written.
    pub(crate) written: u64,
    /// Whole records that have their place in the log and are not written yet. They go together with the
    /// next write, or shortly after.
    pub(crate) pending: Vec<u8>,
    /// Outcomes that have no place in the log yet, as JSON objects with commas between them, and how many.
    pub(crate) outcomes: Vec<u8>,
    pub(crate) outcomes_count: usize,
    /// Whether the thread that writes what waits looks after it; else it has to be woken.
    pub(crate) flusher_awake: bool,
}

/// A segment, and the part of it that may not be on stable storage yet.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) segment: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<File>,
    /// Where the part begins and ends; the end is where the segment's last whole record ends.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The sequence number of the first record in it.
    pub(crate) first: u64,
}

//! The decision records that runs refer to, found again by their numbers.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use jurat_types::{DecisionRecord, Record, RecordBody};

use crate::line::{Head, Kind};
use crate::segment::{Lines, Next};

/// How many decisions are kept in memory; then it begins anew.
const KEPT_MAX: usize = 256;

/// Reads the decisions of one file at a time, and remembers where each stands.
#[derive(Debug)]
pub(crate) struct Models {
    dir: PathBuf,
    segment: u64,
    offsets: BTreeMap<u64, u64>,
    /// Up to where the file has been looked through.
    looked: u64,
    kept: HashMap<u64, Box<DecisionRecord>>,
}

impl Models {
    pub(crate) fn new(dir: &Path) -> Self {
        let (offsets, kept) = (BTreeMap::new(), HashMap::new());
        Self { dir: dir.to_owned(), segment: 0, offsets, looked: 0, kept }
    }

    /// The decision with the number `seq` in a segment, where there is one.
    pub(crate) fn find(&mut self, segment: u64, seq: u64) -> io::Result<Option<&DecisionRecord>> {
        if self.segment != segment {
            *self = Self { segment, ..Self::new(&self.dir) };
        }
        if !self.kept.contains_key(&seq) {
            self.look_through(seq)?;
            let Some(offset) = self.offsets.get(&seq) else { return Ok(None) };
            let mut line = Vec::new();
            let next = Lines::open(&self.dir, segment, *offset)?.next(&mut line)?;
            let record = serde_json::from_slice::<Record>(&line).ok();
            let (Next::Line, Some(Record { body: RecordBody::Decision(model), .. })) =
                (next, record)
            else {
                return Ok(None);
            };
            if self.kept.len() >= KEPT_MAX {
                self.kept.clear();
            }
            self.kept.insert(seq, model);
        }
        Ok(self.kept.get(&seq).map(|model| &**model))
    }

    /// Notes where the decisions stand, up to the record `seq`.
    fn look_through(&mut self, seq: u64) -> io::Result<()> {
        let mut lines = Lines::open(&self.dir, self.segment, self.looked)?;
        let mut line = Vec::new();
        loop {
            let offset = lines.offset;
            if lines.next(&mut line)? != Next::Line {
                return Ok(());
            }
            self.looked = lines.offset;
            let Ok(head) = Head::parse(&line) else { continue };
            if head.kind == Kind::Decision {
                self.offsets.insert(head.seq, offset);
            }
            if head.seq >= seq {
                return Ok(());
            }
        }
    }
}

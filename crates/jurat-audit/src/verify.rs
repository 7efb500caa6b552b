//! Checking a log with nothing but its files and the public key.
//!
//! It reads twice: first the tiles, to learn whether they give the signed root and can therefore say
//! which record is wrong; then the records, with at most one in memory.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::Path;

use jurat_types::is_rfc3339;

use crate::checkpoint::{self, Checkpoint};
use crate::key::VerifyingKey;
use crate::line::{Head, Kind, NO_PREVIOUS, Step};
use crate::segment::{self, Lines, Next, Place};
use crate::tile::{self, Leaves, TileError};
use crate::tree::{Hash, Tile, Tree, leaf_hash};
use crate::verify_error::{Problem, VerifyError};

/// What a log was found to hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// The log's name.
    pub origin: String,
    /// How many records there are.
    pub records: u64,
    /// How many of them the checkpoint covers. The others are linked to them by hashes only.
    pub signed: u64,
    /// Bytes at the end that are no whole record: a write that is under way, or that a crash cut off.
    pub torn_bytes: u64,
    /// The Merkle root of the checkpoint, base64.
    pub root: String,
    /// The size of the checkpoint kept elsewhere, where one was given: the log contains what it covers.
    pub outside: Option<u64>,
    /// How many sessions were opened.
    pub sessions: u64,
    /// How many decisions there are.
    pub decisions: u64,
    /// How many of them let a statement through.
    pub let_through: u64,
    /// How many statements have an outcome.
    pub outcomes: u64,
    /// The timestamps of the first and the last record.
    pub period: Option<(String, String)>,
}

/// Checks a log: every record against the tiles, the record before it and the signed checkpoint, and
/// every outcome against its decision. Memory does not grow with the log, except by decisions that let
/// a statement through and have no outcome.
///
/// A log that was cut back to an older checkpoint, with the tiles and records of that time, passes:
/// see [`verify_against`].
///
/// # Errors
/// The first thing that is wrong; [`VerifyError::record`] is the first bad record.
pub fn verify(dir: &Path, key: &VerifyingKey) -> Result<Verified, VerifyError> {
    verify_against(dir, key, None)
}

/// As [`verify`], and checks that the log still contains everything that a checkpoint covers which was
/// kept elsewhere. Only that can show that records were removed from the end of a log.
///
/// # Errors
/// As [`verify`].
pub fn verify_against(
    dir: &Path,
    key: &VerifyingKey,
    outside: Option<&str>,
) -> Result<Verified, VerifyError> {
    let outside = outside
        .map(|text| Checkpoint::parse(text, key))
        .transpose()
        .map_err(|reason| VerifyError::Outside { reason })?;
    let path = dir.join(checkpoint::FILE);
    let text = match checkpoint::read_text(&path) {
        // What is not even text is no checkpoint.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
        result => result.map_err(|source| VerifyError::Io { path, source })?,
    };
    let checkpoint =
        Checkpoint::parse(&text, key).map_err(|reason| VerifyError::Checkpoint { reason })?;
    let tiles = check_tiles(dir, &checkpoint)?;
    let mut reading = Reading::new(dir, &checkpoint, outside.as_ref(), tiles);
    reading.read_all()?;
    reading.finish()
}

/// What the tiles are worth.
enum Tiles {
    /// Their leaf hashes give the signed root.
    Signed {
        /// The first tile above the leaves that is wrong all the same.
        upper: Option<VerifyError>,
    },
    /// They do not.
    Wrong(Option<TileError>),
}

/// Compares the tiles of leaf hashes with the signed root, and the tiles above with what they give.
fn check_tiles(dir: &Path, checkpoint: &Checkpoint) -> Result<Tiles, VerifyError> {
    let mut leaves = Leaves::new(dir, checkpoint.size);
    let mut tree = Tree::default();
    let mut upper = None;
    for seq in 0..checkpoint.size {
        match leaves.get(seq) {
            Ok(Some(leaf)) => tree.push(leaf, |tile| compare(dir, &tile, &mut upper)),
            Ok(None) => {}
            Err(TileError::Io { name, source }) => {
                return Err(VerifyError::Io { path: dir.join(name), source });
            }
            Err(error) => return Ok(Tiles::Wrong(Some(error))),
        }
    }
    for tile in tree.partial_tiles() {
        compare(dir, &tile, &mut upper);
    }
    if tree.root() == checkpoint.root {
        Ok(Tiles::Signed { upper })
    } else {
        Ok(Tiles::Wrong(None))
    }
}

fn compare(dir: &Path, tile: &Tile, wrong: &mut Option<VerifyError>) {
    if wrong.is_some() || tile.level == 0 {
        return;
    }
    match tile::read(dir, tile.level, tile.index, tile.hashes.len()) {
        Ok(stored) if stored.hashes == tile.hashes => {}
        Ok(_) => *wrong = Some(VerifyError::TileEdited { name: tile.name(), seq: None }),
        Err(reason) => *wrong = Some(VerifyError::Tile { reason }),
    }
}

/// The second reading: the records.
struct Reading<'a> {
    dir: &'a Path,
    checkpoint: &'a Checkpoint,
    outside: Option<&'a Checkpoint>,
    tiles: Tiles,
    leaves: Leaves<'a>,
    /// Built from the records only.
    tree: Tree,
    root_at_signed: Option<Hash>,
    root_at_outside: Option<Hash>,
    /// The first record that differs from a tile that is itself not to be trusted.
    differs: Option<(u64, String)>,
    previous: Hash,
    /// Where the record before is, and its timestamp.
    before: Option<(Place, String)>,
    open: HashSet<String>,
    /// The decisions of this file that let a statement through, by number.
    models: HashSet<u64>,
    /// Those that let pass what a statement had changed.
    result_models: HashSet<u64>,
    last_file: String,
    found: Verified,
}

impl<'a> Reading<'a> {
    fn new(
        dir: &'a Path,
        checkpoint: &'a Checkpoint,
        outside: Option<&'a Checkpoint>,
        tiles: Tiles,
    ) -> Self {
        let found = Verified {
            origin: checkpoint.origin.clone(),
            records: 0,
            signed: checkpoint.size,
            torn_bytes: 0,
            root: checkpoint.root_base64(),
            outside: outside.map(|outside| outside.size),
            sessions: 0,
            decisions: 0,
            let_through: 0,
            outcomes: 0,
            period: None,
        };
        Self {
            dir,
            checkpoint,
            outside,
            tiles,
            leaves: Leaves::new(dir, checkpoint.size),
            tree: Tree::default(),
            root_at_signed: None,
            root_at_outside: None,
            differs: None,
            previous: NO_PREVIOUS,
            before: None,
            open: HashSet::new(),
            models: HashSet::new(),
            result_models: HashSet::new(),
            last_file: segment::name(0),
            found,
        }
    }

    fn read_all(&mut self) -> Result<(), VerifyError> {
        let io = |path: &Path, source| VerifyError::Io { path: path.to_owned(), source };
        let segments = segment::list(self.dir).map_err(|error| io(self.dir, error))?;
        let mut line = Vec::new();
        self.at_size();
        for (expected, index) in (0..).zip(&segments) {
            if expected != *index {
                let (seq, file) = (self.tree.size(), segment::name(expected));
                return Err(VerifyError::Gap { seq, file });
            }
            let path = self.dir.join(segment::name(*index));
            let mut lines = Lines::open(self.dir, *index, 0).map_err(|error| io(&path, error))?;
            self.last_file = segment::name(*index);
            self.models.clear();
            self.result_models.clear();
            loop {
                let next = lines.next(&mut line).map_err(|error| io(&path, error))?;
                let torn = match next {
                    Next::Line => {
                        self.take(&line, lines.place())?;
                        continue;
                    }
                    Next::End => break,
                    Next::Torn => Problem::Torn,
                    Next::TooLong => Problem::TooLong,
                };
                let signed = self.tree.size() < self.checkpoint.size;
                if signed || segments.last() != Some(index) {
                    return Err(self.bad(&lines.next_place(), torn));
                }
                let length = std::fs::metadata(&path).map_err(|error| io(&path, error))?.len();
                self.found.torn_bytes = length.saturating_sub(lines.offset);
                break;
            }
        }
        Ok(())
    }

    /// Takes one line: its hash, its links, its meaning, in the order of what each proves.
    fn take(&mut self, line: &[u8], place: Place) -> Result<(), VerifyError> {
        let seq = self.tree.size();
        let hash = leaf_hash(line);
        let head = Head::parse(line);
        let matches = self.matches_tile(seq, &hash);
        let mut head = match head {
            // A record that is whole and in the wrong place says more than a wrong hash.
            Ok(head) if head.seq != seq => {
                return Err(self.bad(&place, Problem::Sequence { found: head.seq }));
            }
            Ok(head) => head,
            Err(_) if matches == Some(false) => return Err(self.bad_content(seq, &place)),
            Err(error) => return Err(self.bad(&place, Problem::NotARecord(error.to_string()))),
        };
        if matches == Some(false) {
            return Err(self.bad_content(seq, &place));
        }
        if !head.follows(&self.previous) {
            return Err(self.bad_link(seq, &place));
        }
        let before = self.before.as_ref().map_or("", |(_, timestamp)| timestamp.as_str());
        if !is_rfc3339(&head.timestamp) || head.timestamp.as_ref() < before {
            return Err(self.bad(&place, Problem::Timestamp));
        }
        self.count(&mut head, &place)?;
        let timestamp = head.timestamp.into_owned();
        match &mut self.found.period {
            Some((_, last)) => last.clone_from(&timestamp),
            period => *period = Some((timestamp.clone(), timestamp.clone())),
        }
        self.before = Some((place, timestamp));
        self.previous = hash;
        self.tree.push(hash, |_| {});
        self.found.records = self.tree.size();
        self.at_size();
        Ok(())
    }

    /// Whether a record has its hash in a tile that gives the signed root; `None` where no tile can say.
    fn matches_tile(&mut self, seq: u64, hash: &Hash) -> Option<bool> {
        let stored = self.leaves.get(seq).ok().flatten()?;
        if matches!(self.tiles, Tiles::Signed { .. }) {
            return Some(stored == *hash);
        }
        if stored != *hash && self.differs.is_none() {
            self.differs = Some((seq, self.leaves.name(seq)));
        }
        None
    }

    /// Keeps the roots at the sizes at which somebody has signed one.
    fn at_size(&mut self) {
        let size = self.tree.size();
        if size == self.checkpoint.size {
            self.root_at_signed = Some(self.tree.root());
        }
        if self.outside.is_some_and(|outside| outside.size == size) {
            self.root_at_outside = Some(self.tree.root());
        }
    }

    fn count(&mut self, head: &mut Head<'_>, place: &Place) -> Result<(), VerifyError> {
        match head.step() {
            Some(Step::Decision(decision_id, through)) => {
                self.decide(decision_id, through, place)?;
                if through {
                    self.models.insert(head.seq);
                }
            }
            Some(Step::Result(decision_id)) => {
                self.decide(decision_id, false, place)?;
                self.result_models.insert(head.seq);
            }
            Some(Step::Run { decision_id, of, result }) => {
                let models = if result { &self.result_models } else { &self.models };
                if !models.contains(&of) {
                    return Err(self.bad(place, Problem::Model { of }));
                }
                self.decide(decision_id, !result, place)?;
            }
            Some(Step::Outcomes(ids)) => {
                for decision_id in ids {
                    if !self.open.remove(&decision_id) {
                        return Err(self.bad(place, Problem::Outcome { decision_id }));
                    }
                    self.found.outcomes += 1;
                }
            }
            Some(Step::Other) => {
                let opened = head.kind == Kind::Session && head.event.as_deref() == Some("opened");
                self.found.sessions += u64::from(opened);
            }
            None => {
                let reason = "a field of its type is missing".to_owned();
                return Err(self.bad(place, Problem::NotARecord(reason)));
            }
        }
        Ok(())
    }

    fn decide(&mut self, id: String, through: bool, place: &Place) -> Result<(), VerifyError> {
        self.found.decisions += 1;
        if self.open.contains(&id) {
            return Err(self.bad(place, Problem::SameDecision { decision_id: id }));
        }
        if through {
            self.found.let_through += 1;
            self.open.insert(id);
        }
        Ok(())
    }

    fn finish(self) -> Result<Verified, VerifyError> {
        let found = self.tree.size();
        let signed = self.checkpoint.size;
        if found < signed {
            return Err(VerifyError::Missing { found, signed, file: self.last_file });
        }
        let records_signed = self.root_at_signed == Some(self.checkpoint.root);
        match (self.tiles, self.differs) {
            (Tiles::Signed { upper: None }, _) if records_signed => {}
            (Tiles::Signed { upper: Some(error) }, _) if records_signed => return Err(error),
            (Tiles::Wrong(Some(reason)), _) if records_signed => {
                return Err(VerifyError::Tile { reason });
            }
            (Tiles::Wrong(None), Some((seq, name))) if records_signed => {
                return Err(VerifyError::TileEdited { name, seq: Some(seq) });
            }
            (Tiles::Signed { .. } | Tiles::Wrong(_), _) => {
                return Err(VerifyError::Rewritten { signed });
            }
        }
        match self.outside {
            Some(outside) if outside.size > found => {
                Err(VerifyError::RolledBack { found, size: outside.size })
            }
            Some(outside) if self.root_at_outside != Some(outside.root) => {
                Err(VerifyError::OtherHistory { size: outside.size })
            }
            Some(_) | None => Ok(self.found),
        }
    }

    fn bad(&self, place: &Place, problem: Problem) -> VerifyError {
        VerifyError::record_at(self.tree.size(), place, problem)
    }

    fn bad_content(&self, seq: u64, place: &Place) -> VerifyError {
        self.bad(place, Problem::Content { tile: self.leaves.name(seq) })
    }

    /// Two records disagree. Where the first is signed for, the second is wrong; else the first may be.
    fn bad_link(&self, seq: u64, place: &Place) -> VerifyError {
        let first_is_signed =
            seq <= self.checkpoint.size && matches!(self.tiles, Tiles::Signed { .. });
        match &self.before {
            Some((before, _)) if !first_is_signed => {
                let next = format!("{} line {}", place.file, place.line);
                VerifyError::record_at(seq.saturating_sub(1), before, Problem::Changed { next })
            }
            Some(_) | None => self.bad(place, Problem::Previous),
        }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, records, signed, torn_bytes, root, .. } = self;
        writeln!(formatter, "log {origin}: {records} records, all linked to each other")?;
        writeln!(formatter, "signed checkpoint: {signed} records, root {root}")?;
        writeln!(
            formatter,
            "after the checkpoint: {} records that are linked and not yet signed",
            records - signed
        )?;
        if *torn_bytes > 0 {
            writeln!(formatter, "at the end: {torn_bytes} bytes of a record that is not whole")?;
        }
        if let Some((first, last)) = &self.period {
            writeln!(formatter, "from {first} to {last}")?;
        }
        writeln!(
            formatter,
            "{} sessions opened, {} decisions, {} statements let through, {} with an outcome",
            self.sessions, self.decisions, self.let_through, self.outcomes
        )?;
        match self.outside {
            Some(size) => write!(
                formatter,
                "the log contains the {size} records of the checkpoint kept elsewhere"
            ),
            None => write!(
                formatter,
                "not proved: that no records were removed from the end together with their \
                 checkpoint; that shows only against a checkpoint kept elsewhere"
            ),
        }
    }
}

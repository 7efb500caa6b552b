//! What can be wrong with a log, said so that a person finds the place.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::checkpoint::CheckpointError;
use crate::segment::Place;
use crate::tile::TileError;

/// Why a log is not what was signed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The checkpoint in the log is missing or not signed by the key.
    #[error("the log's checkpoint is not taken: {reason}")]
    Checkpoint {
        /// Why.
        reason: CheckpointError,
    },
    /// The checkpoint that was kept elsewhere is not signed by the key.
    #[error("the checkpoint kept elsewhere is not taken: {reason}")]
    Outside {
        /// Why.
        reason: CheckpointError,
    },
    /// A segment is missing between others, so the records after it have no place.
    #[error("record {seq}: its file {file} is missing")]
    Gap {
        /// The first record that is missing.
        seq: u64,
        /// The segment.
        file: String,
    },
    /// A record is not the one that was signed.
    #[error("record {seq} ({file} line {line}): {problem}")]
    Record {
        /// The first bad record, from 0.
        seq: u64,
        /// Its segment.
        file: String,
        /// Its line in the segment, from 1.
        line: u64,
        /// What is wrong with it.
        problem: Problem,
    },
    /// Signed records are missing at the end.
    #[error(
        "record {found} is missing: {file} ends after {found} records, and {signed} are signed for"
    )]
    Missing {
        /// How many records are there; also the number of the first that is missing.
        found: u64,
        /// How many were signed.
        signed: u64,
        /// The last segment.
        file: String,
    },
    /// The records are what was signed, and a tile is missing or has the wrong size.
    #[error("the records match the signed checkpoint, but a tile does not: {reason}")]
    Tile {
        /// What is wrong.
        reason: TileError,
    },
    /// The records are what was signed, and a tile holds other hashes.
    #[error("the records match the signed checkpoint, but {name} was edited{}", at(*.seq))]
    TileEdited {
        /// The tile, relative to the log's directory.
        name: String,
        /// The record whose hash in it is wrong, where one can be named.
        seq: Option<u64>,
    },
    /// Records and tiles agree with each other and not with the signature: both were rewritten.
    #[error(
        "the first {signed} records were rewritten together with their hashes: they do not have the \
         root of the signed checkpoint, and which of them was the first cannot be told without an \
         older copy"
    )]
    Rewritten {
        /// How many records are signed for.
        signed: u64,
    },
    /// The log is well signed and is not the one that the checkpoint kept elsewhere is about.
    #[error(
        "the first {size} records are not those of the checkpoint kept elsewhere: the log was replaced \
         or a second one was signed"
    )]
    OtherHistory {
        /// The size in the checkpoint kept elsewhere.
        size: u64,
    },
    /// The log is older than the checkpoint that was kept elsewhere.
    #[error(
        "the log has {found} records, and the checkpoint kept elsewhere covers {size}: records were \
         removed from its end"
    )]
    RolledBack {
        /// How many records there are; also the number of the first that is missing.
        found: u64,
        /// The size in the checkpoint kept elsewhere.
        size: u64,
    },
}

/// What is wrong with one record.
#[derive(Debug)]
pub enum Problem {
    /// It is not JSON or lacks a field.
    NotARecord(String),
    /// The line is longer than a record may be.
    TooLong,
    /// The line has no end, and is not the last.
    Torn,
    /// Its hash is not the one in a tile that matches the signature.
    Content {
        /// The tile.
        tile: String,
    },
    /// It carries another number: records were removed, added or swapped.
    Sequence {
        /// The number that it carries.
        found: u64,
    },
    /// The record after it carries another hash for it.
    Changed {
        /// The line of the record after it, as `file line n`.
        next: String,
    },
    /// The record before it is as signed, and it carries another hash for it.
    Previous,
    /// Its timestamp is malformed or before that of the record before it.
    Timestamp,
    /// It is a run of a decision that does not stand before it in its file, or that let nothing through.
    Model {
        /// The number that it refers to.
        of: u64,
    },
    /// It is the outcome of a decision that is not waiting for one.
    Outcome {
        /// The decision.
        decision_id: String,
    },
    /// It is a decision with the id of another that is still waiting for its outcome.
    SameDecision {
        /// The decision.
        decision_id: String,
    },
}

impl VerifyError {
    /// The first bad or missing record, where one can be named.
    #[must_use]
    pub fn record(&self) -> Option<u64> {
        match self {
            Self::Gap { seq, .. } | Self::Record { seq, .. } => Some(*seq),
            Self::Missing { found, .. } | Self::RolledBack { found, .. } => Some(*found),
            Self::TileEdited { seq, .. } => *seq,
            Self::Io { .. }
            | Self::Checkpoint { .. }
            | Self::Outside { .. }
            | Self::Tile { .. }
            | Self::Rewritten { .. }
            | Self::OtherHistory { .. } => None,
        }
    }

    pub(crate) fn record_at(seq: u64, place: &Place, problem: Problem) -> Self {
        let Place { file, line } = place.clone();
        Self::Record { seq, file, line, problem }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecord(reason) => write!(formatter, "is not a record: {reason}"),
            Self::TooLong => write!(formatter, "is longer than a record may be"),
            Self::Torn => write!(formatter, "has no end"),
            Self::Content { tile } => {
                write!(formatter, "content does not match its hash in {tile}")
            }
            Self::Sequence { found } => write!(
                formatter,
                "carries the number {found}: records were removed, added or moved here"
            ),
            Self::Changed { next } => {
                write!(formatter, "content does not match the hash in the record after it ({next})")
            }
            Self::Previous => {
                write!(formatter, "does not carry the hash of the record before it")
            }
            Self::Timestamp => {
                write!(formatter, "timestamp is malformed or before that of the record before it")
            }
            Self::Model { of } => write!(
                formatter,
                "is a run of record {of}, which is no decision before it in the same file that let a \
                 statement through"
            ),
            Self::Outcome { decision_id } => write!(
                formatter,
                "is an outcome of decision {decision_id}, which is not waiting for one: there is no \
                 such decision before it, or it let nothing through, or it has an outcome already"
            ),
            Self::SameDecision { decision_id } => {
                write!(formatter, "repeats the decision {decision_id}, which has no outcome yet")
            }
        }
    }
}

fn at(seq: Option<u64>) -> String {
    seq.map(|seq| format!(" at record {seq}")).unwrap_or_default()
}

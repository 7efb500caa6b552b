//! Segment files: their names, their order, and their lines.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::options::AuditOptions;

/// The file of a segment, relative to the log's directory.
pub(crate) fn name(index: u64) -> String {
    format!("records-{index:06}.jsonl")
}

/// The numbers of the segments in a directory, in order. Other files are none of ours.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut indexes = Vec::new();
    for entry in fs::read_dir(dir)? {
        let file = entry?.file_name();
        let index = file
            .to_str()
            .and_then(|text| text.strip_prefix("records-")?.strip_suffix(".jsonl"))
            .and_then(|digits| digits.parse().ok())
            // `records-0.jsonl` or `records-+00001.jsonl` is not a name that we give.
            .filter(|index| file.to_str() == Some(name(*index).as_str()));
        indexes.extend(index);
    }
    indexes.sort_unstable();
    Ok(indexes)
}

/// The number of the first segment that is missing from a list that should count from 0.
pub(crate) fn gap(indexes: &[u64]) -> Option<u64> {
    (0..).zip(indexes).find(|(expected, index)| expected != *index).map(|(expected, _)| expected)
}

/// A place in the log, for a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u64,
}

/// What comes next in a segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// A whole line is in the buffer, without its newline.
    Line,
    /// The file ends in bytes that no newline ends.
    Torn,
    /// The line is longer than any record may be.
    TooLong,
    /// There is nothing more.
    End,
}

/// Reads the lines of one segment, with at most one line in memory.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<File>,
    pub(crate) index: u64,
    /// The line that was read last, from 1.
    line: u64,
    /// Where the next line begins.
    pub(crate) offset: u64,
    path: PathBuf,
}

impl Lines {
    /// Opens a segment at a position where a line begins; lines are counted from there.
    pub(crate) fn open(dir: &Path, index: u64, offset: u64) -> io::Result<Self> {
        let path = dir.join(name(index));
        // A link could name a file that somebody else can write.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { reader: BufReader::with_capacity(64 * 1024, file), index, line: 0, offset, path })
    }

    /// Reads the next line into `buffer`. After [`Next::Torn`] the same place is read again next time,
    /// so that a reader who follows a growing file sees whole lines only.
    pub(crate) fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Next> {
        buffer.clear();
        let limit = AuditOptions::LINE_BYTES_MAX as u64;
        let read = (&mut self.reader).take(limit).read_until(b'\n', buffer)? as u64;
        if read == 0 {
            return Ok(Next::End);
        }
        if buffer.last() == Some(&b'\n') {
            buffer.pop();
            self.offset += read;
            self.line += 1;
            return Ok(Next::Line);
        }
        self.reader.seek(SeekFrom::Start(self.offset))?;
        Ok(if read == limit { Next::TooLong } else { Next::Torn })
    }

    /// Where the line is that was read last.
    pub(crate) fn place(&self) -> Place {
        Place { file: name(self.index), line: self.line }
    }

    /// Where the line would be that comes next.
    pub(crate) fn next_place(&self) -> Place {
        Place { file: name(self.index), line: self.line + 1 }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

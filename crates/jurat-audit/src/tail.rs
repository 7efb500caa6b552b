//! The last records of a log, and those that follow.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jurat_types::{OutcomesRecord, Record, RecordBody};

use crate::models::Models;
use crate::segment::{self, Lines, Next};

/// One record of the log: a run is told as the whole decision that it is, and each of several outcomes by
/// itself.
#[derive(Debug)]
pub struct TailLine {
    /// The line without its newline; invalid UTF-8 is replaced.
    pub text: String,
    /// The record, or why the line is none. Nothing here is verified.
    pub record: Result<Box<Record>, serde_json::Error>,
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no log.
    #[error("{dir} holds no log")]
    NoLog {
        /// The directory.
        dir: PathBuf,
    },
    /// A line is longer than a record may be.
    #[error("{path} holds a line that is longer than a record may be")]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

/// Gives the last records of a log. Ask it again after `None`: it then gives what has been appended
/// since, so following a log is a loop around it. After an error it gives nothing more.
#[derive(Debug)]
pub struct Tail {
    dir: PathBuf,
    lines: Lines,
    /// The next segment, while the end of this one is read for the last time.
    following: Option<Lines>,
    buffer: Vec<u8>,
    models: Models,
    /// What is left of a line that holds several.
    rest: VecDeque<TailLine>,
    failed: bool,
}

/// Opens a log for reading at its last `count` records; the log may be open in another process.
///
/// # Errors
/// Where there is no log in `dir`, or a file cannot be read.
pub fn tail(dir: &Path, count: usize) -> Result<Tail, TailError> {
    let io = |source| TailError::Io { path: dir.to_owned(), source };
    let segments = segment::list(dir).map_err(io)?;
    let mut wanted = count;
    let mut start = None;
    for index in segments.iter().rev() {
        let (offset, missing) = last_lines(&dir.join(segment::name(*index)), wanted).map_err(io)?;
        start = Some((*index, offset));
        wanted = missing;
        if wanted == 0 {
            break;
        }
    }
    let Some((index, offset)) = start else { return Err(TailError::NoLog { dir: dir.to_owned() }) };
    let lines = Lines::open(dir, index, offset).map_err(io)?;
    Ok(Tail {
        dir: dir.to_owned(),
        lines,
        following: None,
        buffer: Vec::new(),
        models: Models::new(dir),
        rest: VecDeque::new(),
        failed: false,
    })
}

impl Tail {
    fn read(&mut self) -> Result<Option<TailLine>, TailError> {
        loop {
            if let Some(line) = self.rest.pop_front() {
                return Ok(Some(line));
            }
            let next = self.lines.next(&mut self.buffer).map_err(|source| self.io(source))?;
            match next {
                Next::Line => {
                    let text = String::from_utf8_lossy(&self.buffer).into_owned();
                    self.rest = self.told(text)?;
                }
                Next::TooLong => {
                    return Err(TailError::TooLong { path: self.lines.path().to_owned() });
                }
                // A line that is still being written comes later.
                Next::Torn => return Ok(None),
                Next::End => {
                    if let Some(following) = self.following.take() {
                        self.lines = following;
                        continue;
                    }
                    match Lines::open(&self.dir, self.lines.index + 1, 0) {
                        // This segment may have grown before that one was made: it is read once more.
                        Ok(following) => self.following = Some(following),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                        Err(source) => return Err(self.io(source)),
                    }
                }
            }
        }
    }

    /// The records that a line stands for.
    fn told(&mut self, text: String) -> Result<VecDeque<TailLine>, TailError> {
        let record = match serde_json::from_slice::<Record>(&self.buffer) {
            Ok(record) => record,
            Err(error) => return Ok(VecDeque::from([TailLine { text, record: Err(error) }])),
        };
        let Record { seq, timestamp, previous, body } = record;
        let bodies = match body {
            RecordBody::Run(run) => {
                let model = self.models.find(self.lines.index, run.of);
                let path = self.lines.path();
                let model =
                    model.map_err(|source| TailError::Io { path: path.to_owned(), source })?;
                vec![match model {
                    Some(model) => RecordBody::Decision(Box::new(run.over(model))),
                    None => RecordBody::Run(run),
                }]
            }
            RecordBody::Outcomes(OutcomesRecord { outcomes }) => {
                outcomes.into_iter().map(RecordBody::Outcome).collect()
            }
            body @ (RecordBody::Approval(_)
            | RecordBody::Decision(_)
            | RecordBody::Outcome(_)
            | RecordBody::Session(_)
            | RecordBody::System(_)) => vec![body],
        };
        let told = bodies.into_iter().map(|body| {
            let (timestamp, previous) = (timestamp.clone(), previous.clone());
            let record = Ok(Box::new(Record { seq, timestamp, previous, body }));
            TailLine { text: text.clone(), record }
        });
        Ok(told.collect())
    }

    fn io(&self, source: io::Error) -> TailError {
        TailError::Io { path: self.lines.path().to_owned(), source }
    }
}

impl Iterator for Tail {
    type Item = Result<TailLine, TailError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.read().transpose();
        self.failed = matches!(item, Some(Err(_)));
        item
    }
}

/// Where the last `count` lines of a file begin, and how many lines it lacks.
fn last_lines(path: &Path, count: usize) -> io::Result<(u64, usize)> {
    const BLOCK: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut newlines = 0;
    let mut block = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(begin))?;
        block.clear();
        (&mut file).take(end - begin).read_to_end(&mut block)?;
        while let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            newlines += 1;
            // The newline before the first wanted line ends the line before it.
            if newlines > count {
                return Ok((begin + u64::try_from(at).unwrap_or_default() + 1, 0));
            }
            block.truncate(at);
        }
        end = begin;
    }
    Ok((0, count.saturating_sub(newlines)))
}

//! The tag with which a server says what a statement did.

use crate::postgres::value::to_str;

/// What a statement did: its command and, for some, the number of rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CommandComplete<'a> {
    /// The tag as it was sent, such as `INSERT 0 5` or `CREATE TABLE`.
    pub tag: &'a [u8],
}

/// The commands whose tag ends in a number of rows.
const COUNTED: [&str; 8] =
    ["COPY", "DELETE", "FETCH", "INSERT", "MERGE", "MOVE", "SELECT", "UPDATE"];

impl<'a> CommandComplete<'a> {
    /// The words of the tag; none when it is not UTF-8, which no server sends.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        to_str(self.tag).unwrap_or_default().split_ascii_whitespace()
    }

    /// The command without numbers: `INSERT`, `CREATE TABLE`.
    pub fn command(&self) -> &'a str {
        let tag = to_str(self.tag).unwrap_or_default();
        tag.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == ' ')
    }

    /// How many rows the statement returned or changed, for the commands that say so. The cascades,
    /// triggers and common table expressions of a statement are not in this number.
    pub fn rows(&self) -> Option<u64> {
        let mut words = self.words();
        let counted = words.next().is_some_and(|command| COUNTED.contains(&command));
        let number = if counted { words.last()? } else { return None };
        // `parse` alone would take a sign as well.
        number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse().ok())?
    }
}

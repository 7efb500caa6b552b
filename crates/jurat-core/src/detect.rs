//! Detectors: what looks like personal data or a key in free text is replaced by its kind.
//!
//! The time is linear in the length of the text: the expressions run on an automaton, and what numbers are
//! checked with looks at a bounded number of digits from each place. A value that was looked through once
//! changes no more.

use std::{borrow::Cow, collections::BTreeSet, ops::Range, sync::OnceLock};

use jurat_sql::Detected;
use jurat_types::DETECTORS;
use regex::bytes::Regex;

mod numbers;

/// Replacing a find can make one of what stood next to it; this often it is looked again.
const PASSES_MAX: usize = 8;

/// What becomes of a text that has still more to find after the last look: nothing of it is shown.
const WITHHELD: &str = "[redacted]";

/// Expressions by kind. Where a find must not go on to the left or right is checked by hand.
const EXPRESSIONS: &[(&str, &str)] = &[
    ("aws", r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
    ("azure", r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,88}={0,2}"),
    (
        "email",
        r#"[^\s\x00-\x20@<>\[\](){}"',;:\\=|]{1,64}@[A-Za-z0-9\x80-\xff-]{1,63}(?:\.[A-Za-z0-9\x80-\xff-]{1,63}){1,8}"#,
    ),
    ("gcp", r"AIza[0-9A-Za-z_-]{35}"),
    ("github", r"(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,244})"),
    ("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    (
        "phone",
        r"(?:\+[0-9]{1,3}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9](?:[ .-]?[0-9]){5,12}|\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4})",
    ),
    ("slack", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    ("ssn", r"[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}"),
    ("stripe", r"[prs]k_(?:live|test)_[A-Za-z0-9]{16,247}"),
];

/// Which columns of a result are looked through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scans {
    columns: usize,
    at: Vec<(usize, Detectors)>,
}

impl Scans {
    /// Nothing where no column is marked.
    pub(crate) fn new(detected: &[Detected]) -> Option<Self> {
        let columns = detected.first()?.columns;
        let at = detected
            .iter()
            .map(|column| (column.position, Detectors::new(&column.kinds, column.json)))
            .collect();
        Some(Self { columns, at })
    }

    /// How many columns every row has.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// What the column at a place is looked through for.
    pub fn of(&self, position: usize) -> Option<&Detectors> {
        self.at.iter().find(|(at, _)| *at == position).map(|(_, detectors)| detectors)
    }
}

/// What one marked column is looked through for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Detectors {
    kinds: Vec<&'static str>,
    /// Whether the values are JSON, which stays JSON.
    json: bool,
}

impl Detectors {
    /// Detectors of these kinds; what is not known is left out.
    pub(crate) fn new(kinds: &[String], json: bool) -> Self {
        let known = DETECTORS.iter().copied();
        Self { kinds: known.filter(|kind| kinds.iter().any(|k| k == kind)).collect(), json }
    }

    /// Detectors of every kind.
    pub fn all() -> Self {
        Self { kinds: DETECTORS.to_vec(), json: false }
    }

    /// The kinds of what is found in a text, each once and in order; where two overlap it is the first.
    pub fn found(&self, text: &[u8]) -> BTreeSet<&'static str> {
        self.finds(text).into_iter().map(|(_, kind)| kind).collect()
    }

    /// The text with every find replaced by `[kind]`; borrowed where there is none.
    pub fn scan<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut text = Cow::Borrowed(text);
        for _ in 0..PASSES_MAX {
            let finds = self.finds(&text);
            if finds.is_empty() {
                return text;
            }
            text = Cow::Owned(self.replaced(&text, &finds));
        }
        if self.finds(&text).is_empty() {
            return text;
        }
        let quote = if self.json { "\"" } else { "" };
        Cow::Owned([quote, WITHHELD, quote].concat().into_bytes())
    }

    /// The finds in order; where two overlap they are one.
    fn finds(&self, text: &[u8]) -> Vec<(Range<usize>, &'static str)> {
        let mut finds: Vec<(Range<usize>, &'static str)> = Vec::new();
        for kind in self.kinds.iter().copied() {
            match kind {
                "card" => finds.extend(numbers::cards(text).map(|find| (find, kind))),
                "iban" => finds.extend(numbers::ibans(text).map(|find| (find, kind))),
                _ => {
                    for found in expression(kind).into_iter().flat_map(|e| e.find_iter(text)) {
                        if stands_alone(text, &found.range(), kind) {
                            finds.push((whole_characters(text, found.range()), kind));
                        }
                    }
                }
            }
        }
        finds.sort_by_key(|(find, _)| (find.start, std::cmp::Reverse(find.end)));
        let mut merged: Vec<(Range<usize>, &'static str)> = Vec::with_capacity(finds.len());
        for (find, kind) in finds {
            match merged.last_mut() {
                Some((last, _)) if find.start < last.end => last.end = last.end.max(find.end),
                Some(_) | None => merged.push((find, kind)),
            }
        }
        merged
    }

    fn replaced(&self, text: &[u8], finds: &[(Range<usize>, &'static str)]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0_usize;
        let mut quoted = false;
        for (find, kind) in finds {
            let before = text.get(at..find.start).unwrap_or_default();
            quoted = quoted_after(before, quoted);
            out.extend_from_slice(before);
            // A number that stands alone in JSON becomes a string.
            let quotes = self.json && !quoted;
            for part in
                [if quotes { "\"" } else { "" }, "[", kind, "]", if quotes { "\"" } else { "" }]
            {
                out.extend_from_slice(part.as_bytes());
            }
            at = find.end;
        }
        out.extend_from_slice(text.get(at..).unwrap_or_default());
        out
    }
}

/// A range that cuts no character of UTF-8 in two.
fn whole_characters(text: &[u8], mut range: Range<usize>) -> Range<usize> {
    let inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    while range.start > 0 && inside(range.start) {
        range.start = range.start.saturating_sub(1);
    }
    while inside(range.end) {
        range.end = range.end.saturating_add(1);
    }
    range
}

/// Whether what follows a piece of JSON is inside a string.
fn quoted_after(piece: &[u8], mut quoted: bool) -> bool {
    let mut escaped = false;
    for byte in piece {
        match (byte, escaped) {
            (_, true) => escaped = false,
            (b'\\', false) => escaped = quoted,
            (b'"', false) => quoted = !quoted,
            (_, false) => {}
        }
    }
    quoted
}

/// The expression of a kind, made once.
fn expression(kind: &str) -> Option<&'static Regex> {
    static COMPILED: OnceLock<Vec<(&'static str, Regex)>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(|| {
        let made = EXPRESSIONS.iter().filter_map(|(kind, text)| {
            regex::bytes::RegexBuilder::new(text)
                .unicode(false)
                .build()
                .ok()
                .map(|expression| (*kind, expression))
        });
        made.collect()
    });
    compiled.iter().find(|(known, _)| *known == kind).map(|(_, expression)| expression)
}

/// Whether the characters around a find do not make it a part of something longer.
fn stands_alone(text: &[u8], find: &Range<usize>, kind: &str) -> bool {
    let before = find.start.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(find.end);
    let is = |byte: Option<&u8>, test: fn(&u8) -> bool| byte.is_some_and(test);
    match kind {
        "ssn" => {
            let part = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
            let area = text.get(find.start..find.start.saturating_add(3)).unwrap_or_default();
            !is(before, part) && !is(after, part) && area != b"000" && area != b"666"
        }
        "phone" => !is(before, u8::is_ascii_alphanumeric) && !is(after, u8::is_ascii_digit),
        "aws" => !is(before, u8::is_ascii_alphanumeric) && !is(after, u8::is_ascii_alphanumeric),
        _ => true,
    }
}

#[cfg(test)]
mod tests;

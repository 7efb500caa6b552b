//! The words of a statement that holds another one.

use super::code::prepared_name;
use super::form::Form;
use crate::gate::Source;
use crate::limits::ReadLimits;
use crate::scan::Kind;

/// What a statement holds.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Opening {
    /// EXPLAIN, DESCRIBE or ANALYZE of the statement that begins at `start`.
    Explain { start: usize, executes: bool },
    /// PREPARE of a text; nothing where it is computed.
    Prepare { name: String, text: Option<String> },
    /// EXECUTE IMMEDIATE of a literal.
    Immediate { text: String },
    /// A query whose words from `start` up to the one before `end` send its rows to a file.
    IntoFile { start: usize, end: usize },
}

impl Opening {
    /// Whether the other statement is a text.
    pub(crate) const fn holds_text(&self) -> bool {
        match self {
            Self::Prepare { .. } | Self::Immediate { .. } => true,
            Self::Explain { .. } | Self::IntoFile { .. } => false,
        }
    }
}

/// Whether a query or a write begins with this word.
pub(crate) fn opens_query(word: &str) -> bool {
    const FIRST: [&str; 9] =
        ["(", "delete", "insert", "replace", "select", "table", "update", "values", "with"];
    FIRST.iter().any(|first| word.eq_ignore_ascii_case(first))
}

/// What a statement holds, if it is one that holds another.
pub(crate) fn opening(source: &Source<'_>) -> Option<Opening> {
    if let Some((start, end)) = into_file(source) {
        return Some(Opening::IntoFile { start, end });
    }
    let first = source.first()?.1.to_ascii_lowercase();
    let known = ["explain", "describe", "desc", "analyze", "prepare", "execute"];
    if !known.contains(&first.as_str()) {
        return None;
    }
    let limits = ReadLimits::default();
    let form = Form::new(source, &limits);
    match first.as_str() {
        "prepare" if form.at(2) == "from" => {
            let name = prepared_name(&form, 1)?;
            let text = if form.len() == 4 { form.string(3) } else { None };
            Some(Opening::Prepare { name, text })
        }
        "execute" if form.at(1) == "immediate" && form.len() == 3 => {
            Some(Opening::Immediate { text: form.string(2)? })
        }
        "prepare" | "execute" => None,
        word => explain(&form, word == "analyze"),
    }
}

/// `EXPLAIN [EXTENDED | PARTITIONS | ANALYZE] [FORMAT = x] statement`, `ANALYZE [FORMAT = x] statement`.
fn explain(form: &Form<'_>, analyzes: bool) -> Option<Opening> {
    let mut executes = analyzes;
    let mut at = 1;
    loop {
        match form.at(at) {
            "extended" | "partitions" => at = at.checked_add(1)?,
            "analyze" => {
                executes = true;
                at = at.checked_add(1)?;
            }
            "format" if form.at(at.checked_add(1)?) == "=" => at = at.checked_add(3)?,
            _ => break,
        }
    }
    let opens = match form.words.get(at)? {
        (Kind::Word | Kind::Symbol, text) => {
            opens_query(text) && !text.eq_ignore_ascii_case("table")
        }
        _ => false,
    };
    opens.then_some(Opening::Explain { start: at, executes })
}

/// The words of a query that send its rows to a file: `INTO OUTFILE '…'` with its options, or `INTO DUMPFILE`.
pub(crate) fn into_file(source: &Source<'_>) -> Option<(usize, usize)> {
    if !opens_query(source.first()?.1) {
        return None;
    }
    let words = source.words();
    let is = |at: usize, expected: &str| {
        words.get(at).is_some_and(|(kind, text)| {
            matches!(kind, Kind::Word) && text.eq_ignore_ascii_case(expected)
        })
    };
    let start = (0..words.len()).find(|at| {
        let next = at.saturating_add(1);
        is(*at, "into") && (is(next, "outfile") || is(next, "dumpfile"))
    })?;
    let ends = ["from", "where", "group", "having", "order", "limit", "union", "for", "lock"];
    let behind = start.saturating_add(2);
    let end = (behind..words.len()).find(|at| ends.iter().any(|word| is(*at, word)));
    Some((start, end.unwrap_or(words.len())))
}

/// A name in backticks.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as a string literal.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('\'');
    for char in text.chars() {
        if char == '\'' || char == '\\' {
            out.push('\\');
        }
        out.push(char);
    }
    out.push('\'');
    out
}

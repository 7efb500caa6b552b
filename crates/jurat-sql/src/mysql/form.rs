//! One statement while it is read by its words.

use jurat_types::ColumnRole;
use sqlparser::ast::{Ident, ObjectName, Statement};

use crate::gate::{Source, inside};
use crate::limits::ReadLimits;
use crate::scan::Kind;
use crate::tree::Tree;
use crate::walk::{Stop, Walker};

/// A word of a statement: what it is, and its text.
pub(crate) type Word<'w> = (Kind, &'w str);

/// What a form gives: the text to send where it is not the client's own.
pub(super) type Read = Option<Result<Option<String>, Stop>>;

/// How many parts a list may have whose parts are read one by one.
const LIST_MAX: usize = 256;

/// A statement's words.
pub(super) struct Form<'s> {
    pub(super) source: &'s Source<'s>,
    pub(super) words: Vec<Word<'s>>,
    /// The words in lower case, symbols and operators as they are; empty for everything else.
    pub(super) lower: Vec<String>,
    pub(super) limits: &'s ReadLimits,
}

impl<'s> Form<'s> {
    pub(super) fn new(source: &'s Source<'s>, limits: &'s ReadLimits) -> Self {
        let words = source.words();
        let lower = words.iter().map(|(kind, text)| lower(*kind, text)).collect();
        Self { source, words, lower, limits }
    }

    /// The word at a place in lower case.
    pub(super) fn at(&self, place: usize) -> &str {
        self.lower.get(place).map_or("", String::as_str)
    }

    /// Whether the words from a place on are these.
    pub(super) fn has(&self, place: usize, expected: &[&str]) -> bool {
        expected
            .iter()
            .enumerate()
            .all(|(steps, word)| self.at(place.saturating_add(steps)) == *word)
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The place of a word outside of brackets, from a place on.
    pub(super) fn find(&self, from: usize, accept: impl Fn(&str) -> bool) -> Option<usize> {
        let mut depth = 0_usize;
        for place in from..self.len() {
            match self.at(place) {
                "(" => depth = depth.saturating_add(1),
                ")" => depth = depth.saturating_sub(1),
                word if depth == 0 && accept(word) => return Some(place),
                _ => {}
            }
        }
        None
    }

    /// The parts of a list between two places, separated by commas outside of brackets.
    ///
    /// # Errors
    /// Where there are so many that reading each for itself would take long.
    pub(super) fn list(&self, from: usize, to: usize) -> Result<Vec<(usize, usize)>, Stop> {
        let mut parts = Vec::new();
        let mut start = from;
        while let Some(comma) = self.find(start, |word| word == ",").filter(|comma| *comma < to) {
            parts.push((start, comma));
            start = comma.saturating_add(1);
            if parts.len() >= LIST_MAX {
                return Err(Stop::unsupported("a list of so many parts"));
            }
        }
        parts.push((start, to));
        Ok(parts)
    }

    /// The text between two places, without comments.
    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.source.between(from, to)
    }

    /// A name of one or two parts at a place, and where it ends.
    pub(super) fn name(&self, place: usize) -> Option<(ObjectName, usize)> {
        let mut idents = vec![ident(self.words.get(place)?)?];
        let mut end = place.saturating_add(1);
        while self.at(end) == "." && idents.len() < 3 {
            idents.push(ident(self.words.get(end.saturating_add(1))?)?);
            end = end.saturating_add(2);
        }
        Some((ObjectName::from(idents), end))
    }

    /// Whether there is a name and nothing else from a place on.
    pub(super) fn ends_with_name(&self, place: usize) -> bool {
        self.name(place).is_some_and(|(_, end)| end == self.len())
    }

    /// The words of a string at a place.
    pub(super) fn string(&self, place: usize) -> Option<String> {
        match self.words.get(place)? {
            (Kind::Text, text) => unescaped(text),
            _ => None,
        }
    }

    /// Walks an expression; the result is its canonical text.
    pub(super) fn expression(
        &self,
        walker: &mut Walker<'_>,
        (from, to): (usize, usize),
        role: ColumnRole,
    ) -> Result<String, Stop> {
        if from >= to {
            return Err(Stop::unsupported("an expression without words"));
        }
        // With a name, so that the expression does not get one.
        let text = format!("SELECT ({}) AS `x`", self.text(from, to));
        let text = self.walked(&text, |statement| walker.stored_value(statement, role))?;
        let inner = text.strip_prefix("SELECT (").and_then(|text| text.strip_suffix(") AS `x`"));
        inner.map(str::to_owned).ok_or_else(|| Stop::unsupported("this form of an expression"))
    }

    /// Walks a query; the result is its canonical text.
    pub(super) fn query(
        &self,
        walker: &mut Walker<'_>,
        text: &str,
        role: ColumnRole,
    ) -> Result<String, Stop> {
        self.walked(text, |statement| walker.stored(statement, role))
    }

    /// Walks a text of the parser's; the result is its canonical form.
    fn walked(
        &self,
        text: &str,
        walk: impl FnOnce(&mut Statement) -> Result<(), Stop>,
    ) -> Result<String, Stop> {
        let engine = self.source.engine;
        let failed = |reason: String| Stop::Reason(reason);
        let mut tree = Tree::parse_text(text, engine, &self.limits.widened()).map_err(failed)?;
        match tree.with(walk) {
            Some(walked) => walked?,
            None => return Err(failed("the statement is gone".to_owned())),
        }
        tree.print(self.limits).map_err(failed)
    }
}

fn lower(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Word => text.to_ascii_lowercase(),
        Kind::Symbol | Kind::Operator => text.to_owned(),
        Kind::Space
        | Kind::Comment
        | Kind::Quoted
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter => String::new(),
    }
}

/// A word as an identifier of the tree; nothing where it can be none.
pub(super) fn ident((kind, text): &Word<'_>) -> Option<Ident> {
    match kind {
        Kind::Word if text.starts_with('@') => None,
        Kind::Word => Some(Ident::with_quote('`', *text)),
        Kind::Quoted => Some(Ident::with_quote('`', inside(text))),
        Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => None,
    }
}

/// The value of a string literal. Source: "String Literals" in the manuals of both servers.
pub(super) fn unescaped(literal: &str) -> Option<String> {
    let quote = literal.chars().next()?;
    let mut out = String::with_capacity(literal.len());
    let mut chars = inside(literal).chars();
    while let Some(char) = chars.next() {
        if char == quote {
            // It is doubled, or it would have closed the string.
            chars.next();
            out.push(quote);
        } else if char == '\\' {
            match chars.next()? {
                '0' => out.push('\0'),
                'b' => out.push('\u{8}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'Z' => out.push('\u{1a}'),
                wild @ ('%' | '_') => {
                    out.push('\\');
                    out.push(wild);
                }
                other => out.push(other),
            }
        } else {
            out.push(char);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn a_string_has_the_value_that_the_servers_give_it() {
        for (literal, value) in [
            (r"'a'", "a"),
            (r"'it''s'", "it's"),
            (r#""it's ""x""""#, r#"it's "x""#),
            (r"'a\'b\\c\nd\qe'", "a'b\\c\ndqe"),
            (r"'\%\_'", r"\%\_"),
        ] {
            assert_eq!(unescaped(literal).as_deref(), Some(value), "{literal}");
        }
    }
}

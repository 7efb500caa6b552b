//! COPY, read by its words: what the parser can read, and the options and the condition behind it.
//!
//! The parser knows few options of COPY and knows some that PostgreSQL does not have, so it only gets the
//! part up to the target. What follows must be exactly one of the forms of PostgreSQL's own grammar
//! (`CopyStmt` in `src/backend/parser/gram.y`). Options name no object.

use crate::gate::Source;
use crate::scan::Kind;

/// A COPY statement in parts.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Up to and with the target.
    pub(crate) head: String,
    pub(crate) tail: Tail,
}

/// What stands behind the target.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tail {
    /// Words before the tree, such as EXPLAIN; empty where there are none.
    pub(crate) front: String,
    /// The options as the client wrote them; empty where there are none.
    pub(crate) options: String,
    /// The WHERE clause of COPY FROM.
    pub(crate) condition: Option<Condition>,
}

impl Tail {
    /// The text of the tree with the rest behind it.
    pub(crate) fn behind(&self, text: String) -> String {
        let mut text = if self.front.is_empty() { text } else { format!("{} {text}", self.front) };
        if !self.options.is_empty() {
            text.push(' ');
            text.push_str(&self.options);
        }
        if let Some(condition) = &self.condition {
            text.push_str(" WHERE ");
            text.push_str(&condition.expression);
        }
        text
    }
}

/// Which of the client's rows are taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Condition {
    /// The table, as the client wrote it.
    pub(crate) table: String,
    /// The expression.
    pub(crate) expression: String,
}

/// The options that are known, also those of older and newer servers.
const OPTIONS: [&str; 15] = [
    "default",
    "delimiter",
    "encoding",
    "escape",
    "force_not_null",
    "force_null",
    "force_quote",
    "format",
    "freeze",
    "header",
    "log_verbosity",
    "null",
    "on_error",
    "quote",
    "reject_limit",
];

/// Cuts a COPY statement into its parts; `None` for any other statement.
///
/// # Errors
/// With a reason that names no literal, where it is not one of the forms that PostgreSQL has.
pub(crate) fn parts(source: &Source<'_>) -> Option<Result<Parts, String>> {
    let is_copy = source.first().is_some_and(|word| is(&word, "copy"));
    is_copy.then(|| cut(source, &source.words()).ok_or_else(|| NOT_UNDERSTOOD.to_owned()))
}

const NOT_UNDERSTOOD: &str = "the syntax of COPY or of its options is not understood";

type Word<'w> = (Kind, &'w str);

fn cut(source: &Source<'_>, words: &[Word<'_>]) -> Option<Parts> {
    // BINARY cannot be the name of a table.
    let old_binary = words.get(1).is_some_and(|word| is(word, "binary"));
    let start = if old_binary { 2 } else { 1 };
    let direction = direction(words, start)?;
    let out = words.get(direction).is_some_and(|word| is(word, "to"));
    let of_query = words.get(start).is_some_and(|(_, text)| *text == "(");
    let program = words.get(direction.checked_add(1)?).is_some_and(|word| is(word, "program"));
    let target = direction.checked_add(if program { 2 } else { 1 })?;
    let behind = target.checked_add(1)?;
    let mut reader = Reader { words, at: behind };
    reader.options()?;
    let mut options = source.between(behind, reader.at);
    if old_binary {
        // The two spellings of one option exclude each other.
        if !options.is_empty() || of_query {
            return None;
        }
        "(FORMAT binary)".clone_into(&mut options);
    }
    let mut condition = None;
    if reader.take("where") {
        if out || of_query || reader.at >= words.len() {
            return None;
        }
        let table_end = (start..direction)
            .find(|at| words.get(*at).is_some_and(|(_, text)| *text == "("))
            .unwrap_or(direction);
        condition = Some(Condition {
            table: source.between(start, table_end),
            expression: source.between(reader.at, words.len()),
        });
    } else if reader.at < words.len() {
        return None;
    }
    let head = format!("COPY {}", source.between(start, behind));
    Some(Parts { head, tail: Tail { front: String::new(), options, condition } })
}

/// The place of FROM or TO: the first such word outside brackets that is not part of a name.
fn direction(words: &[Word<'_>], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut after_dot = false;
    for (at, word) in words.iter().enumerate().skip(start) {
        match (word.0, word.1) {
            (Kind::Symbol, "(" | "[") => depth = depth.checked_add(1)?,
            (Kind::Symbol, ")" | "]") => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 && !after_dot && at > start && (is(word, "from") || is(word, "to")) {
            return Some(at);
        }
        after_dot = *word == (Kind::Symbol, ".");
    }
    None
}

/// Reads options word by word; every step says `None` where the grammar does not go on.
struct Reader<'r, 'w> {
    words: &'r [Word<'w>],
    at: usize,
}

impl Reader<'_, '_> {
    fn options(&mut self) -> Option<()> {
        self.take("with");
        if self.symbol("(") { self.generic() } else { self.legacy() }
    }

    /// `(FORMAT csv, HEADER, …)`, behind the opening bracket.
    fn generic(&mut self) -> Option<()> {
        loop {
            self.label()?;
            self.argument()?;
            if self.symbol(")") {
                return Some(());
            }
            self.symbol(",").then_some(())?;
        }
    }

    fn label(&mut self) -> Option<()> {
        let (kind, text) = self.words.get(self.at)?;
        let known = match kind {
            Kind::Word => OPTIONS.contains(&text.to_ascii_lowercase().as_str()),
            Kind::Quoted => OPTIONS.contains(&text.trim_matches('"')),
            Kind::Space
            | Kind::Comment
            | Kind::Number
            | Kind::Text
            | Kind::Prefixed
            | Kind::Dollar
            | Kind::Parameter
            | Kind::Operator
            | Kind::Symbol => false,
        };
        self.step_if(known)
    }

    /// Nothing, a word, a string, a number, `*`, or a list of words and strings.
    fn argument(&mut self) -> Option<()> {
        if self.symbol("(") {
            loop {
                self.name().or_else(|| self.string())?;
                if self.symbol(")") {
                    return Some(());
                }
                self.symbol(",").then_some(())?;
            }
        }
        let Some((kind, text)) = self.words.get(self.at) else { return Some(()) };
        let plain = matches!(kind, Kind::Word | Kind::Quoted | Kind::Number) || *text == "*";
        if plain {
            return self.step_if(true);
        }
        // What may follow nothing is checked by the caller.
        self.string().or(Some(()))
    }

    /// `CSV HEADER DELIMITER AS ';' …`, the form of older servers.
    fn legacy(&mut self) -> Option<()> {
        loop {
            if ["binary", "freeze", "csv", "header"].iter().any(|flag| self.take(flag)) {
                continue;
            }
            if ["delimiter", "null", "quote", "escape"].iter().any(|option| self.take(option)) {
                self.take("as");
                self.string()?;
            } else if self.take("encoding") {
                self.string()?;
            } else if self.take("force") {
                let which = self.take("quote") || {
                    self.take("not");
                    self.take("null")
                };
                which.then_some(())?;
                self.columns()?;
            } else {
                return Some(());
            }
        }
    }

    fn columns(&mut self) -> Option<()> {
        if self.words.get(self.at).is_some_and(|(_, text)| *text == "*") {
            return self.step_if(true);
        }
        loop {
            self.name()?;
            if !self.symbol(",") {
                return Some(());
            }
        }
    }

    fn name(&mut self) -> Option<()> {
        let (kind, _) = self.words.get(self.at)?;
        self.step_if(matches!(kind, Kind::Word | Kind::Quoted))
    }

    fn string(&mut self) -> Option<()> {
        let (kind, text) = self.words.get(self.at)?;
        let escaped = *kind == Kind::Prefixed && text.starts_with(['E', 'e']);
        self.step_if(escaped || matches!(kind, Kind::Text | Kind::Dollar))
    }

    /// Goes over a key word if it comes next.
    fn take(&mut self, expected: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|word| is(word, expected));
        self.step_if(found).is_some()
    }

    fn symbol(&mut self, expected: &str) -> bool {
        let found = self.words.get(self.at) == Some(&(Kind::Symbol, expected));
        self.step_if(found).is_some()
    }

    fn step_if(&mut self, found: bool) -> Option<()> {
        self.at = self.at.checked_add(usize::from(found))?;
        found.then_some(())
    }
}

fn is(word: &Word<'_>, expected: &str) -> bool {
    word.0 == Kind::Word && word.1.eq_ignore_ascii_case(expected)
}

//! Texts that differ from an earlier one only in literals that make no difference to their reading.
//!
//! An application that puts values into its texts sends a new text each time, and reading one costs about as
//! much as relaying ten. Some literals cannot change what a statement is: a plain number or string behind
//! `column =` or `column BETWEEN`, in `column IN (…)`, or in a row of VALUES. A text is cut at these
//! ([`Skeleton`]); of two texts with one skeleton the second is read by putting its literals into the canonical
//! text of the first ([`Mold`]). Everything else that looks like a literal (LIMIT, ORDER BY 1, arguments of
//! functions, casts) belongs to the skeleton.

use std::{cell::Cell, sync::Arc};

use jurat_types::{Engine, StatementFacts};

use crate::limits::ReadLimits;
use crate::read::read;
use crate::redact;
use crate::scan::{Kind, Piece, cut_into};
use crate::statement::{KeptTree, NameContext, Parsed, Reading, SessionEffect, Statement};
use crate::{CatalogIndex, keywords, mysql};

/// Longer texts are read each time.
const TEXT_BYTES_MAX: usize = 4096;
/// Longer literals are read each time. A number of 18 digits is the same kind of number everywhere.
const LITERAL_BYTES_MAX: usize = 256;
const DIGITS_MAX: usize = 9;

/// A text without the literals that make no difference to its reading.
#[derive(Debug)]
pub struct Skeleton<'t> {
    /// The text with a NUL and a letter for each of the literals; no text that is read has a NUL.
    key: Vec<u8>,
    literals: Vec<&'t str>,
}

/// The reading of one text, ready to take the literals of another.
#[derive(Debug)]
pub struct Mold {
    model: Parsed,
    /// The canonical text cut at its literals: one more piece than there are literals.
    pieces: Vec<Box<str>>,
}

impl<'t> Skeleton<'t> {
    /// Cuts a text. Nothing where it has no such literal, or is too long for it to be worth the while.
    ///
    /// `engine` says by whose lexical rules.
    pub fn of(text: &'t [u8], engine: Engine, limits: &ReadLimits) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX.min(limits.bytes_max) || text.contains(&0) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let places = places(text, engine, limits)?;
        let mut key = Vec::with_capacity(text.len());
        let mut literals = Vec::with_capacity(places.len());
        let mut from = 0;
        for place in places {
            key.extend_from_slice(text.get(from..place.start)?.as_bytes());
            key.extend_from_slice(if place.kind == Kind::Number { b"\0n" } else { b"\0s" });
            literals.push(place.of(text));
            from = place.end;
        }
        key.extend_from_slice(text.get(from..)?.as_bytes());
        Some(Self { key, literals })
    }

    /// What two texts share that differ in such literals only.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

impl Mold {
    /// Makes a mold of a text that was read. Nothing where its canonical text does not have the same
    /// literals in the same order, or where a second reading, with other literals, says that one of them
    /// makes a difference after all.
    pub fn new(
        skeleton: &Skeleton<'_>,
        reading: Reading,
        names: &NameContext,
        catalog: &CatalogIndex,
        limits: &ReadLimits,
    ) -> Option<Self> {
        let [Statement::Parsed(model)] = <[Statement; 1]>::try_from(reading.statements).ok()?
        else {
            return None;
        };
        let ordinary = ["select", "insert", "replace", "update", "delete"]
            .contains(&model.facts.kind.as_str())
            && matches!(model.effect, SessionEffect::None)
            && model.tree.was_there();
        drop(model.tree.take());
        if !ordinary {
            return None;
        }
        let canonical = model.facts.text.as_str();
        let places = places(canonical, catalog.engine(), limits)?;
        if !places.iter().map(|place| place.of(canonical)).eq(skeleton.literals.iter().copied()) {
            return None;
        }
        let mut pieces = Vec::with_capacity(places.len().saturating_add(1));
        let mut from = 0;
        for place in &places {
            pieces.push(canonical.get(from..place.start)?.into());
            from = place.end;
        }
        pieces.push(canonical.get(from..)?.into());
        let mold = Self { model, pieces };
        mold.agrees_with_a_reading(skeleton, names, catalog, limits).then_some(mold)
    }

    /// What the statement of the mold is about to do.
    pub const fn facts(&self) -> &StatementFacts {
        &self.model.facts
    }

    /// Takes over lists that are equal to its own, so that comparing facts of its texts with `other` costs little.
    pub fn share_lists(&mut self, other: &StatementFacts) {
        fn share<T: PartialEq>(own: &mut Arc<[T]>, other: &Arc<[T]>) {
            if own == other {
                *own = Arc::clone(other);
            }
        }
        let facts = &mut self.model.facts;
        share(&mut facts.relations, &other.relations);
        share(&mut facts.columns, &other.columns);
        share(&mut facts.functions, &other.functions);
        share(&mut facts.outputs, &other.outputs);
    }

    /// Reads the text of a skeleton that has the mold's key.
    pub fn fill(&self, skeleton: &Skeleton<'_>) -> Option<Statement> {
        let (last, rest) = self.pieces.split_last()?;
        if rest.len() != skeleton.literals.len() {
            return None;
        }
        let mut text = String::with_capacity(self.model.facts.text.len().saturating_add(32));
        for (piece, literal) in rest.iter().zip(&skeleton.literals) {
            text.push_str(piece);
            text.push_str(literal);
        }
        text.push_str(last);
        let Parsed {
            facts,
            redacted,
            effect: _,
            in_function,
            tree: _,
            names,
            catalog,
            limits,
            gathers,
        } = &self.model;
        let mut facts = facts.clone();
        facts.sha256 = redact::sha256(text.as_bytes());
        facts.text = text;
        Some(Statement::Parsed(Parsed {
            facts,
            redacted: Arc::clone(redacted),
            effect: SessionEffect::None,
            in_function: *in_function,
            tree: KeptTree::not_made(),
            names: Arc::clone(names),
            catalog: catalog.clone(),
            limits: limits.clone(),
            gathers: *gathers,
        }))
    }

    /// Fills the mold with literals that are all different, and reads the same text in full.
    fn agrees_with_a_reading(
        &self,
        skeleton: &Skeleton<'_>,
        names: &NameContext,
        catalog: &CatalogIndex,
        limits: &ReadLimits,
    ) -> bool {
        let others: Vec<String> = skeleton
            .literals
            .iter()
            .enumerate()
            .map(|(at, literal)| {
                let number = at.saturating_add(70_001);
                if literal.starts_with('\'') {
                    format!("'probe {number}'")
                } else {
                    number.to_string()
                }
            })
            .collect();
        let other = Skeleton {
            key: skeleton.key.clone(),
            literals: others.iter().map(String::as_str).collect(),
        };
        let Some(text) = other.text() else { return false };
        let read = read(text.as_bytes(), names, catalog, limits);
        match (read.statements.as_slice(), self.fill(&other)) {
            ([Statement::Parsed(read)], Some(Statement::Parsed(filled))) => {
                read.facts == filled.facts && read.redacted == filled.redacted
            }
            _ => false,
        }
    }
}

impl Skeleton<'_> {
    /// The text that has this skeleton and these literals.
    fn text(&self) -> Option<String> {
        let mut bytes = Vec::with_capacity(self.key.len());
        let mut literals = self.literals.iter();
        let mut key = self.key.iter();
        while let Some(byte) = key.next() {
            if *byte == 0 {
                bytes.extend_from_slice(literals.next()?.as_bytes());
                key.next();
            } else {
                bytes.push(*byte);
            }
        }
        String::from_utf8(bytes).ok()
    }
}

thread_local! {
    /// The memory in which this thread cuts texts.
    static PIECES: Cell<Vec<Piece>> = const { Cell::new(Vec::new()) };
}

/// A text that has made it larger than this leaves none of it behind.
const PIECES_KEPT_MAX: usize = 4096;

/// The literals that make no difference; nothing where there are none.
fn places(text: &str, engine: Engine, limits: &ReadLimits) -> Option<Vec<Piece>> {
    let mut pieces = PIECES.take();
    pieces.clear();
    let cut = cut_into(&mut pieces, text, engine, limits.widened().tokens_max);
    pieces.retain(|piece| !piece.kind.is_blank());
    let found = cut.ok().map(|()| without_difference(&pieces, text));
    if pieces.capacity() <= PIECES_KEPT_MAX {
        PIECES.set(pieces);
    }
    found.filter(|found| !found.is_empty())
}

/// The literals among the pieces of a text that make no difference.
fn without_difference(pieces: &[Piece], text: &str) -> Vec<Piece> {
    let mut rows = Rows::default();
    let mut found = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let back = |steps: usize| at.checked_sub(steps).and_then(|at| pieces.get(at));
        let in_row = rows.next(piece, &back, text);
        if !is_plain(piece, text) {
            continue;
        }
        let next = pieces.get(at.saturating_add(1));
        let compared = || {
            (follows_column(&back, text) || bounds_column(&back, text)) && ends_operand(next, text)
        };
        if (in_row && separated(back(1), next, text)) || compared() {
            found.push(*piece);
        }
    }
    found
}

/// Whether a literal is of a form that is printed as it is read.
fn is_plain(piece: &Piece, text: &str) -> bool {
    let word = piece.of(text);
    match piece.kind {
        Kind::Number => word.len() <= DIGITS_MAX && word.bytes().all(|byte| byte.is_ascii_digit()),
        Kind::Text => {
            let inner = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\''));
            inner.is_some_and(|inner| {
                inner.len() <= LITERAL_BYTES_MAX
                    && inner.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'\'' && b != b'\\')
            })
        }
        Kind::Space
        | Kind::Comment
        | Kind::Word
        | Kind::Quoted
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => false,
    }
}

/// `column =`, `column + `, `column + -`: with a name in front, so that `1 = 1` stays what it is.
fn follows_column<'p>(back: &impl Fn(usize) -> Option<&'p Piece>, text: &str) -> bool {
    let operator = |piece: Option<&Piece>| {
        piece.is_some_and(|piece| {
            piece.kind == Kind::Operator
                && ["=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*"].contains(&piece.of(text))
        })
    };
    let name = |piece| is_name(piece, text);
    let signed = back(1).is_some_and(|piece| piece.kind == Kind::Operator && piece.of(text) == "-");
    (operator(back(1)) && name(back(2))) || (signed && operator(back(2)) && name(back(3)))
}

/// `column BETWEEN`, `column BETWEEN 1 AND`.
fn bounds_column<'p>(back: &impl Fn(usize) -> Option<&'p Piece>, text: &str) -> bool {
    let low = is(back(1), "between", text) && is_name(back(2), text);
    let high = is(back(1), "and", text)
        && back(2).is_some_and(|piece| is_plain(piece, text))
        && is(back(3), "between", text)
        && is_name(back(4), text);
    low || high
}

/// Whether a piece is the name of something.
fn is_name(piece: Option<&Piece>, text: &str) -> bool {
    piece.is_some_and(|piece| {
        piece.kind == Kind::Quoted
            || (piece.kind == Kind::Word && !is_word(&piece.of(text).to_ascii_lowercase()))
    })
}

/// Whether a piece is this word.
fn is(piece: Option<&Piece>, word: &str, text: &str) -> bool {
    piece.is_some_and(|piece| piece.kind == Kind::Word && piece.of(text).eq_ignore_ascii_case(word))
}

/// Whether a word belongs to a grammar, so that what stands behind it may be no operand.
fn is_word(lower: &str) -> bool {
    keywords::is_reserved(lower) || mysql::is_reserved(lower) || lower.starts_with('@')
}

/// Whether what follows belongs to another expression.
fn ends_operand(next: Option<&Piece>, text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "and",
        "or",
        "where",
        "order",
        "group",
        "limit",
        "offset",
        "returning",
        "having",
        "union",
        "for",
    ];
    let Some(next) = next else { return true };
    let word = next.of(text);
    match next.kind {
        Kind::Symbol => [")", ",", ";"].contains(&word),
        Kind::Word => WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)),
        Kind::Space
        | Kind::Comment
        | Kind::Quoted
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator => false,
    }
}

/// Whether a literal is all that stands between two commas or brackets.
fn separated(before: Option<&Piece>, after: Option<&Piece>, text: &str) -> bool {
    let is = |piece: Option<&Piece>, bracket: &str| {
        piece.is_some_and(|piece| {
            piece.kind == Kind::Symbol && (piece.of(text) == "," || piece.of(text) == bracket)
        })
    };
    is(before, "(") && is(after, ")")
}

/// Follows the rows of VALUES and the lists of IN, where every element stands for itself.
#[derive(Default)]
struct Rows {
    /// Behind IN and a column, or in its list as long as that has literals only.
    list: List,
    /// Behind VALUES, or between two rows.
    expected: bool,
    /// How many brackets are open since the row began; 1 is the row itself.
    depth: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum List {
    #[default]
    None,
    Expected,
    Open,
}

impl Rows {
    /// Takes the next piece, and tells whether it is an element of a row or list.
    fn next<'p>(
        &mut self,
        piece: &Piece,
        back: &impl Fn(usize) -> Option<&'p Piece>,
        text: &str,
    ) -> bool {
        let word = piece.of(text);
        let element = self.list == List::Open && is_plain(piece, text);
        self.list = match self.list {
            List::Expected if word == "(" => List::Open,
            List::Open if element || word == "," => List::Open,
            List::Expected | List::None | List::Open => {
                let name = 1_usize.saturating_add(usize::from(is(back(1), "not", text)));
                if is(Some(piece), "in", text) && is_name(back(name), text) {
                    List::Expected
                } else {
                    List::None
                }
            }
        };
        if element {
            return true;
        }
        if self.depth > 0 {
            let element = self.depth == 1;
            match word {
                "(" if piece.kind == Kind::Symbol => self.depth = self.depth.saturating_add(1),
                ")" if piece.kind == Kind::Symbol => {
                    self.depth = self.depth.saturating_sub(1);
                    self.expected = self.depth == 0;
                }
                _ => {}
            }
            return element;
        }
        if self.expected && word == "(" {
            self.depth = 1;
        }
        let between = self.expected && word == ",";
        self.expected =
            between || (piece.kind == Kind::Word && word.eq_ignore_ascii_case("values"));
        false
    }
}

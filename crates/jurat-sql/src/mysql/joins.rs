//! Brackets in FROM that the parser needs and the servers do not: around a join whose condition stands behind that of
//! a join to its right (`a JOIN b JOIN c ON … ON …`), and CROSS JOIN for a comma in brackets (`(a, b)`).

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a key word or token that says nothing about joins is left as it is, which is the answer for any new one"
)]

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// One level of brackets.
#[derive(Debug, Default)]
struct Level {
    /// Whether the level is a list of tables in brackets.
    is_list: bool,
    /// Whether a query has begun here, so that FROM is its own.
    query: bool,
    /// Whether tables stand here now.
    tables: bool,
    /// The joins since the last comma: where what is joined begins, and whether a condition may still come.
    joins: Vec<(usize, bool)>,
    /// Where the entries of the list begin.
    entries: Vec<usize>,
}

/// What is written in front of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Edit {
    Close,
    Cross,
    Open,
}

/// Adds the brackets.
pub(crate) fn bracketed(tokens: Vec<Token>) -> Vec<Token> {
    let mut edits: Vec<(usize, Edit)> = Vec::new();
    let first = keyword(tokens.first());
    let mut levels = vec![Level {
        query: first == Keyword::DELETE,
        tables: first == Keyword::UPDATE,
        ..Level::default()
    }];
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let behind = tokens.get(at.saturating_add(1));
        let Some(level) = levels.last_mut() else { return tokens };
        match token {
            Token::LParen => {
                let is_list = level.tables && stands_for_table(before, level.is_list);
                levels.push(Level {
                    is_list,
                    tables: is_list,
                    entries: vec![at.saturating_add(1)],
                    ..Level::default()
                });
            }
            Token::RParen => {
                let ended = levels.pop();
                // One bracket too many: the parser says so.
                if levels.is_empty() {
                    return tokens;
                }
                if let Some(ended) = ended.filter(|level| level.is_list && level.tables) {
                    ended.cross(&tokens, at, &mut edits);
                }
            }
            Token::Comma if level.tables => {
                level.joins.clear();
                level.entries.push(at.saturating_add(1));
            }
            _ => level.word(&tokens, (at, keyword(Some(token))), behind, &mut edits),
        }
    }
    if edits.is_empty() { tokens } else { written(tokens, edits) }
}

impl Level {
    fn word(
        &mut self,
        tokens: &[Token],
        (at, word): (usize, Keyword),
        behind: Option<&Token>,
        edits: &mut Vec<(usize, Edit)>,
    ) {
        match word {
            // The brackets are those of a query, which may have a list of its own in front of FROM.
            Keyword::SELECT | Keyword::VALUES | Keyword::WITH | Keyword::TABLE => {
                *self = Self { query: true, ..Self::default() };
            }
            Keyword::FROM if self.query => {
                self.tables = true;
                self.joins.clear();
            }
            Keyword::JOIN | Keyword::STRAIGHT_JOIN if self.tables => {
                let words =
                    (1..=3).map(|steps| at.checked_sub(steps).and_then(|at| tokens.get(at)));
                let natural = words
                    .map(keyword)
                    .take_while(|word| JOIN_WORDS.contains(word))
                    .any(|word| word == Keyword::NATURAL);
                self.joins.push((at.saturating_add(1), !natural));
            }
            Keyword::ON if self.tables && keyword(behind) != Keyword::DUPLICATE => {
                self.condition(at, edits);
            }
            Keyword::USING if self.tables && behind == Some(&Token::LParen) => {
                self.condition(at, edits);
            }
            Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::SET
            | Keyword::WINDOW
            | Keyword::LOCK
            | Keyword::INTO
            | Keyword::RETURNING => self.tables = false,
            _ => {}
        }
    }

    /// A condition belongs to the last join that has none yet. What was joined since then is one table to it.
    fn condition(&mut self, at: usize, edits: &mut Vec<(usize, Edit)>) {
        let Some(place) = self.joins.iter().rposition(|(_, open)| *open) else { return };
        if let Some((start, open)) = self.joins.get_mut(place) {
            *open = false;
            let start = *start;
            if place.saturating_add(1) < self.joins.len() {
                edits.push((start, Edit::Open));
                edits.push((at, Edit::Close));
            }
        }
        self.joins.truncate(place.saturating_add(1));
    }

    /// Commas of a list that has ended; a join binds more tightly than a comma does.
    fn cross(&self, tokens: &[Token], end: usize, edits: &mut Vec<(usize, Edit)>) {
        let ends = self.entries.iter().skip(1).map(|start| start.saturating_sub(1)).chain([end]);
        for (index, (start, end)) in self.entries.iter().zip(ends).enumerate() {
            if index == 0 {
                continue;
            }
            edits.push((start.saturating_sub(1), Edit::Cross));
            let entry = tokens.get(*start..end).unwrap_or_default();
            let joined = |token: &Token| {
                matches!(keyword(Some(token)), Keyword::JOIN | Keyword::STRAIGHT_JOIN)
            };
            if entry.iter().any(joined) {
                edits.push((*start, Edit::Open));
                edits.push((end, Edit::Close));
            }
        }
    }
}

/// Words between two tables in front of JOIN.
const JOIN_WORDS: [Keyword; 6] = [
    Keyword::NATURAL,
    Keyword::LEFT,
    Keyword::RIGHT,
    Keyword::INNER,
    Keyword::OUTER,
    Keyword::CROSS,
];

fn keyword(token: Option<&Token>) -> Keyword {
    match token {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
        Some(_) | None => Keyword::NoKeyword,
    }
}

/// Whether a table, or a list of them in brackets, stands behind this token.
fn stands_for_table(before: Option<&Token>, in_list: bool) -> bool {
    match before {
        Some(Token::Comma) => true,
        Some(Token::LParen) => in_list,
        token => matches!(
            keyword(token),
            Keyword::FROM | Keyword::JOIN | Keyword::STRAIGHT_JOIN | Keyword::UPDATE
        ),
    }
}

/// The tokens with the edits, all of which stand in front of a token; a comma that has one is gone.
fn written(tokens: Vec<Token>, mut edits: Vec<(usize, Edit)>) -> Vec<Token> {
    // At one place what ends goes first. Brackets that open at one place are alike.
    edits.sort_by_key(|(at, edit)| {
        let rank = match edit {
            Edit::Close => 0,
            Edit::Cross => 1,
            Edit::Open => 2,
        };
        (*at, rank)
    });
    let mut edits = edits.into_iter().peekable();
    let mut out = Vec::with_capacity(tokens.len().saturating_add(edits.len().saturating_mul(2)));
    for (at, token) in tokens.into_iter().enumerate() {
        let mut gone = false;
        while let Some((_, edit)) = edits.next_if(|(place, _)| *place == at) {
            match edit {
                Edit::Close => out.push(Token::RParen),
                Edit::Open => out.push(Token::LParen),
                Edit::Cross => {
                    out.extend(["CROSS", "JOIN"].map(Token::make_keyword));
                    gone = true;
                }
            }
        }
        if !gone {
            out.push(token);
        }
    }
    out
}

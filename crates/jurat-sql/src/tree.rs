//! A parsed statement that cannot overflow the stack, whatever is done with it.

use jurat_types::Engine;
use sqlparser::ast::Statement;
use sqlparser::dialect::{Dialect, PostgreSqlDialect};
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::Token;

use crate::copy::{self, Tail};
use crate::gate::{self, Source};
use crate::keywords;
use crate::limits::ReadLimits;
use crate::mysql;
use crate::pre;
use crate::scan::Piece;
use crate::stack::with_stack;

/// Parser calls inside each other that one open bracket can cause.
const CALLS_PER_NESTING: usize = 10;

/// A tree with the amount of stack that walking it needs.
#[derive(Debug)]
pub(crate) struct Tree {
    /// `None` only while it is dropped.
    statement: Option<Box<Statement>>,
    stack_bytes: usize,
    /// Whose syntax it is.
    engine: Engine,
    /// What stands behind a COPY or a definition and is not part of the tree.
    tail: Tail,
}

impl Tree {
    /// Parses the tokens of one statement.
    ///
    /// # Errors
    /// With a reason that names no literal.
    pub(crate) fn parse(source: &Source<'_>) -> Result<Self, String> {
        let stack_bytes = source.stack_bytes();
        let mut tokens = match source.to_tokens() {
            Ok(tokens) => tokens,
            Err(error) => return Err(error.to_string()),
        };
        let engine = source.engine;
        let options =
            if engine.is_postgres() { pre::take_tail(&mut tokens) } else { String::new() };
        let tail = Tail { front: String::new(), options, condition: None };
        with_stack(stack_bytes, || {
            let dialect: &dyn Dialect = match engine {
                Engine::Postgres => &PostgreSqlDialect {},
                Engine::Mariadb | Engine::Mysql => &mysql::Mysql,
            };
            let limit = source.nesting.saturating_add(3).saturating_mul(CALLS_PER_NESTING);
            let mut parser = Parser::new(dialect)
                .with_options(ParserOptions::new().with_unescape(false))
                .with_recursion_limit(limit)
                .with_tokens(tokens);
            match parser.parse_statement() {
                Ok(statement) => {
                    let statement = Some(Box::new(statement));
                    let tree = Self { statement, stack_bytes, engine, tail };
                    let rest = parser.peek_token().token;
                    if rest == Token::EOF { Ok(tree) } else { Err(near(&rest)) }
                }
                Err(ParserError::RecursionLimitExceeded) => {
                    Err("the statement is nested too deep".to_owned())
                }
                Err(ParserError::TokenizerError(_) | ParserError::ParserError(_)) => {
                    Err(near(&parser.peek_token().token))
                }
            }
        })
    }

    /// Parses a COPY; `None` for any other statement.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(crate) fn parse_copy(
        source: &Source<'_>,
        limits: &ReadLimits,
    ) -> Option<Result<Self, String>> {
        if !source.engine.is_postgres() {
            return None;
        }
        let tree = copy::parts(source)?.and_then(|parts| {
            let mut tree = Self::parse_text(&parts.head, source.engine, &limits.widened())?;
            tree.tail = parts.tail;
            Ok(tree)
        });
        Some(tree)
    }

    /// What stands behind a COPY.
    pub(crate) const fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Puts words before the tree that are printed with it.
    pub(crate) fn put_before(&mut self, words: String) {
        self.tail.front = words;
    }

    /// Takes the condition behind a COPY in its canonical form.
    pub(crate) fn set_condition(&mut self, canonical: String) {
        if let Some(condition) = &mut self.tail.condition {
            condition.expression = canonical;
        }
    }

    /// Parses a text that must be exactly one statement.
    pub(crate) fn parse_text(
        text: &str,
        engine: Engine,
        limits: &ReadLimits,
    ) -> Result<Self, String> {
        Self::parse(&Self::source_of(text, engine, limits)?)
    }

    /// The one statement of a text.
    fn source_of<'t>(
        text: &'t str,
        engine: Engine,
        limits: &ReadLimits,
    ) -> Result<Source<'t>, String> {
        let mut sources = match gate::split(text, engine, limits) {
            Ok(sources) => sources,
            Err(error) => return Err(error.to_string()),
        };
        match (sources.pop(), sources.is_empty()) {
            (Some(source), true) => Ok(source),
            (Some(_) | None, _) => Err("the text is not one statement".to_owned()),
        }
    }

    /// Runs `work` on the tree where there is stack enough for it.
    pub(crate) fn with<R>(&mut self, work: impl FnOnce(&mut Statement) -> R) -> Option<R> {
        let statement = self.statement.as_deref_mut()?;
        Some(with_stack(self.stack_bytes, || work(statement)))
    }

    /// Says that the tree can become deeper by `bytes` of stack.
    pub(crate) const fn deepen(&mut self, bytes: usize) {
        self.stack_bytes = self.stack_bytes.saturating_add(bytes);
    }

    /// A copy.
    pub(crate) fn copy(&self) -> Self {
        let statement = with_stack(self.stack_bytes, || self.statement.clone());
        Self {
            statement,
            stack_bytes: self.stack_bytes,
            engine: self.engine,
            tail: self.tail.clone(),
        }
    }

    /// The tree as text, if that text parses to the same tree again.
    ///
    /// # Errors
    /// Where it does not.
    pub(crate) fn print(&self, limits: &ReadLimits) -> Result<String, String> {
        self.print_cut(limits).map(|(text, _)| text)
    }

    /// As [`Self::print`], with the text's pieces where they are known.
    pub(crate) fn print_cut(
        &self,
        limits: &ReadLimits,
    ) -> Result<(String, Option<Vec<Piece>>), String> {
        let Some(statement) = self.statement.as_deref() else {
            return Err("the statement is gone".to_owned());
        };
        let printed = with_stack(self.stack_bytes, || statement.to_string());
        let text = match self.engine {
            Engine::Postgres => pre::restore(printed),
            Engine::Mariadb | Engine::Mysql => mysql::restore(printed),
        };
        // A text that ends early on the wire would be another statement.
        if text.contains('\0') {
            return Err("the statement cannot be written back".to_owned());
        }
        // The printed text can have more tokens than the client's, because names are qualified.
        let limits = limits.widened();
        let source = Self::source_of(&text, self.engine, &limits)
            .map_err(|reason| format!("the statement cannot be written back: {reason}"))?;
        let again = Self::parse(&source)
            .map_err(|reason| format!("the statement cannot be written back: {reason}"))?;
        let pieces = source.into_whole();
        let stack_bytes = self.stack_bytes.max(again.stack_bytes);
        if with_stack(stack_bytes, || again.statement == self.statement) {
            let length = text.len();
            let text = self.tail.behind(text);
            let pieces = pieces.filter(|_| text.len() == length);
            Ok((text, pieces))
        } else {
            Err("the statement cannot be written back without a change".to_owned())
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let statement = self.statement.take();
        with_stack(self.stack_bytes, || drop(statement));
    }
}

/// A reason that shows where the parser stopped, if that place is a word of the grammar.
fn near(token: &Token) -> String {
    if let Token::Word(word) = token {
        let folded = word.value.to_ascii_lowercase();
        if word.quote_style.is_none() && keywords::needs_quotes(&folded) {
            return format!(
                "the syntax is not understood (near `{}`)",
                folded.to_ascii_uppercase()
            );
        }
    }
    "the syntax is not understood".to_owned()
}

//! Statements of MySQL and MariaDB that hold another statement, or what a query becomes: EXPLAIN, PREPARE,
//! EXECUTE IMMEDIATE, SELECT … INTO OUTFILE.

use jurat_types::{FunctionClass, StatementClass};

use super::{Place, Reader, Unread};
use crate::gate::{self, Source};
use crate::mysql::{self, Opening};
use crate::statement::{Parsed, SessionEffect, Statement};
use crate::tree::Tree;
use crate::walk::Walker;

impl Reader<'_> {
    /// Reads a statement that is no plain query or write.
    pub(super) fn mysql(&self, source: &Source<'_>, place: &Place) -> Result<Parsed, Unread> {
        match mysql::opening(source) {
            None => {
                let reason = "the statement is not known".to_owned();
                self.by_words(source, Unread { reason, unresolved: None }, place)
            }
            Some(Opening::Explain { start, executes }) => {
                self.explained(source, start, executes, place)
            }
            Some(Opening::Prepare { name, text }) => self.prepared(source, name, text, place),
            Some(Opening::Immediate { text }) => {
                self.inside(&text, place).and_then(|statement| match statement {
                    Statement::Parsed(parsed) => Ok(parsed),
                    Statement::Opaque(opaque) => Err(Unread::because(opaque.reason())),
                })
            }
            Some(Opening::IntoFile { start, end }) => self.to_file(source, (start, end), place),
        }
    }

    /// EXPLAIN and ANALYZE of a query or write: the inner statement is what is judged.
    fn explained(
        &self,
        source: &Source<'_>,
        start: usize,
        executes: bool,
        place: &Place,
    ) -> Result<Parsed, Unread> {
        let inner = source.between(start, usize::MAX);
        let limits = self.limits.widened();
        let mut tree = Tree::parse_text(&inner, source.engine, &limits).map_err(Unread::because)?;
        let mut facts = self.walked(&mut tree)?;
        tree.put_before(source.between(0, start));
        let (text, pieces) = tree.print_cut(self.limits).map_err(Unread::because)?;
        let class = if executes { facts.class } else { StatementClass::Read };
        facts.set("explain", class);
        facts.executes = executes;
        facts.effect = SessionEffect::None;
        Ok(self.finish(facts, (text, pieces), Some(tree), source, place))
    }

    /// `PREPARE p FROM '…'`; nothing is known of a text that is not written down.
    fn prepared(
        &self,
        source: &Source<'_>,
        name: String,
        text: Option<String>,
        place: &Place,
    ) -> Result<Parsed, Unread> {
        let mut walker = Walker::new(self.catalog, self.names, None);
        let Some(text) = text else {
            walker.facts.set("prepare", StatementClass::Unknown);
            walker.facts.function("prepare", FunctionClass::DynamicSql);
            // What the name stands for from now on is not known, whatever it stood for before.
            walker.facts.effect = SessionEffect::Deallocate { name: Some(name) };
            return Ok(self.finish(walker.facts, (source.text(), None), None, source, place));
        };
        let statement = match self.inside(&text, place)? {
            Statement::Parsed(parsed) => parsed,
            Statement::Opaque(opaque) => return Err(Unread::because(opaque.reason())),
        };
        let inner = &statement.facts;
        walker.facts.set("prepare", inner.class);
        walker.facts.has_where = inner.has_where;
        walker.facts.where_always_true = inner.where_always_true;
        walker.facts.limit = inner.limit;
        walker.facts.returning = inner.returning;
        walker.facts.dynamic_sql = inner.dynamic_sql;
        walker.facts.relations = inner.relations.to_vec();
        walker.facts.columns = inner.columns.to_vec();
        walker.facts.functions = inner.functions.to_vec();
        walker.facts.settings.clone_from(&inner.settings);
        walker.facts.settings_kept.clone_from(&inner.settings_kept);
        let text =
            format!("PREPARE {} FROM {}", mysql::quoted(&name), mysql::literal(statement.text()));
        walker.facts.effect =
            SessionEffect::Prepare { name, statement: Box::new(Statement::Parsed(statement)) };
        Ok(self.finish(walker.facts, (text, None), None, source, place))
    }

    /// The only statement of a text inside another one.
    fn inside(&self, text: &str, place: &Place) -> Result<Statement, Unread> {
        if text.contains('\0') {
            return Err(Unread::because("the text has a NUL byte"));
        }
        let engine = self.catalog.engine();
        let sources = gate::split(text, engine, self.limits)
            .map_err(|error| Unread::because(error.to_string()))?;
        let [source] = sources.as_slice() else {
            return Err(Unread::because("the text is not one statement"));
        };
        // A text that holds a text that holds a text could go on for ever.
        if mysql::opening(source).is_some_and(|opening| opening.holds_text()) {
            return Err(Unread::because("a prepared statement that prepares another"));
        }
        let words = source.words();
        let begins =
            |word: &str| words.first().is_some_and(|(_, first)| first.eq_ignore_ascii_case(word));
        // Its number is one of the front-end's, which puts the server's own in its place.
        if begins("kill") {
            return Err(Unread::because("KILL in a prepared statement"));
        }
        // Whether a file of the client may be asked for is known of the statement itself, and not of its name.
        if begins("load") {
            return Err(Unread::because("LOAD DATA in a prepared statement"));
        }
        let place = Place { index: place.index, count: place.count };
        self.parsed(source, &place).map(Statement::Parsed)
    }

    /// `SELECT … INTO OUTFILE '…'`: the rows go to a file of the server.
    fn to_file(
        &self,
        source: &Source<'_>,
        (start, end): (usize, usize),
        place: &Place,
    ) -> Result<Parsed, Unread> {
        let query = format!("{} {}", source.between(0, start), source.between(end, usize::MAX));
        let limits = self.limits.widened();
        let mut tree = Tree::parse_text(&query, source.engine, &limits).map_err(Unread::because)?;
        let mut facts = self.walked(&mut tree)?;
        facts.set("select_into_file", StatementClass::Write);
        facts.function("into_file", FunctionClass::File);
        facts.canonical = false;
        // Without a tree no mask can be written, so a protected table is refused.
        Ok(self.finish(facts, (source.text(), None), None, source, place))
    }
}

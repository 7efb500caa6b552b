//! Reading a text: gate, parse, walk, print.

mod held;
mod in_function;

use jurat_types::{Engine, Estimate, Parameters, Protocol, StatementClass, StatementFacts};
use sqlparser::ast::Statement as Node;

use crate::catalog_index::CatalogIndex;
use crate::copy::Condition;
use crate::facts::{Facts, Inner};
use crate::gate::{self, GateError, Source};
use crate::limits::ReadLimits;
use crate::mysql;
use crate::pre;
use crate::raw;
use crate::redact;
use crate::scan::{Piece, ScanError};
use crate::stack::with_shared_stack;
use crate::statement::{KeptTree, NameContext, Opaque, Parsed, Reading, SessionEffect, Statement};
use crate::tree::Tree;
use crate::walk::{Stop, Walker};

/// Reads a text into statements, resolved against a catalog.
///
/// It never fails: what cannot be read is [`Statement::Opaque`] with a reason. A text that cannot be
/// cut into statements is one opaque statement.
pub fn read(
    text: &[u8],
    names: &NameContext,
    catalog: &CatalogIndex,
    limits: &ReadLimits,
) -> Reading {
    let engine = catalog.engine();
    let rewritten =
        if engine.is_postgres() { None } else { gate::with_bytes_in_digits(text, limits) };
    let text = rewritten.as_ref().map_or(text, String::as_bytes);
    let sources = gate::text_of(text, limits).and_then(|text| gate::split(text, engine, limits));
    let sources = match sources {
        Ok(sources) => sources,
        Err(error) => {
            if error == GateError::Scan(ScanError::ExecutableComment)
                && let Some(text) = std::str::from_utf8(text).ok()
                && let server = &catalog.catalog().server_version
                && let Some(written) = mysql::written_out(text, engine, server)
            {
                // None is left in it.
                return read(written.as_bytes(), names, catalog, limits);
            }
            let place = Place { index: 0, count: 1 };
            let whole = opaque_bytes(text, engine, error.to_string(), limits, &place);
            return Reading { statements: vec![Statement::Opaque(whole)] };
        }
    };
    let reader = Reader { names, catalog, limits };
    if let Some(parsed) = reader.in_function(&sources) {
        return Reading { statements: vec![Statement::Parsed(parsed)] };
    }
    let count = sources.len();
    let statements = sources
        .iter()
        .enumerate()
        .map(|(index, source)| reader.statement(source, &Place { index, count }))
        .collect();
    Reading { statements }
}

/// A statement's place in its message.
struct Place {
    index: usize,
    count: usize,
}

struct Reader<'r> {
    names: &'r NameContext,
    catalog: &'r CatalogIndex,
    limits: &'r ReadLimits,
}

impl Reader<'_> {
    fn statement(&self, source: &Source<'_>, place: &Place) -> Statement {
        with_shared_stack(source.stack_bytes(), || match self.parsed(source, place) {
            Ok(parsed) => Statement::Parsed(parsed),
            Err(unread) => Statement::Opaque(self.opaque(source, unread, place)),
        })
    }

    fn parsed(&self, source: &Source<'_>, place: &Place) -> Result<Parsed, Unread> {
        if !source.engine.is_postgres() && !mysql::is_for_parser(source) {
            return self.mysql(source, place);
        }
        let parsed = Tree::parse_copy(source, self.limits).unwrap_or_else(|| Tree::parse(source));
        let mut tree = match parsed {
            Ok(tree) => tree,
            Err(reason) if !source.engine.is_postgres() => {
                return Err(Unread { reason, unresolved: None });
            }
            Err(reason) => {
                return self.by_words(source, Unread { reason, unresolved: None }, place);
            }
        };
        let walked = tree.with(|statement| {
            let mut walker = Walker::new(self.catalog, self.names, None);
            walker.statement(statement).map(|()| walker.facts)
        });
        let mut facts = match walked {
            Some(Ok(facts)) => facts,
            Some(Err(stop @ Stop::Unsupported(_))) if source.engine.is_postgres() => {
                return self.by_words(source, stop.into(), place);
            }
            Some(Err(stop)) => return Err(stop.into()),
            None => {
                return Err(Unread {
                    reason: "the statement is gone".to_owned(),
                    unresolved: None,
                });
            }
        };
        if let Some(condition) = tree.tail().condition.clone() {
            let canonical = self.condition(&condition, &mut facts)?;
            tree.set_condition(canonical);
        }
        let (text, pieces) = if facts.canonical {
            tree.print_cut(self.limits).map_err(|reason| Unread { reason, unresolved: None })?
        } else {
            (source.text(), None)
        };
        if let Some(inner) = facts.inner.take() {
            let statement = Box::new(self.inner(&tree, &inner, place)?);
            facts.effect = match inner {
                Inner::Prepare { name } => SessionEffect::Prepare { name, statement },
                Inner::Declare { name } => SessionEffect::DeclareCursor { name, statement },
            };
        }
        Ok(self.finish(facts, (text, pieces), Some(tree), source, place))
    }

    /// The facts of a tree, whose names are qualified.
    fn walked(&self, tree: &mut Tree) -> Result<Facts, Unread> {
        let walked = tree.with(|statement| {
            let mut walker = Walker::new(self.catalog, self.names, None);
            walker.statement(statement).map(|()| walker.facts)
        });
        match walked {
            Some(Ok(facts)) => Ok(facts),
            Some(Err(stop)) => Err(stop.into()),
            None => Err(Unread::because("the statement is gone")),
        }
    }

    /// A statement that the parser or the walker does not know, where it can be read by its words.
    fn by_words(
        &self,
        source: &Source<'_>,
        unread: Unread,
        place: &Place,
    ) -> Result<Parsed, Unread> {
        let mut walker = Walker::new(self.catalog, self.names, None);
        let read = match source.engine {
            Engine::Postgres => {
                raw::read(&mut walker, &source.words()).map(|read| read.map(|()| None))
            }
            Engine::Mariadb | Engine::Mysql => {
                mysql::read_by_words(&mut walker, source, self.limits)
            }
        };
        match read {
            Some(Ok(text)) => {
                let text = text.unwrap_or_else(|| source.text());
                Ok(self.finish(walker.facts, (text, None), None, source, place))
            }
            Some(Err(stop)) => Err(stop.into()),
            None => Err(unread),
        }
    }

    /// The condition behind a COPY, read as that of a query over the same table. It is about the rows
    /// that come from the client, so no column of the table is read; its functions run.
    fn condition(&self, condition: &Condition, facts: &mut Facts) -> Result<String, Unread> {
        let text = format!("SELECT FROM {} WHERE {}", condition.table, condition.expression);
        let mut tree = Tree::parse_text(&text, self.catalog.engine(), &self.limits.widened())
            .map_err(Unread::because)?;
        let mut read = self.walked(&mut tree)?;
        let whole = tree.print(self.limits).map_err(Unread::because)?;
        let expression = tree.with(|statement| selection(statement)).flatten();
        let relation = facts.relations.first().map(|relation| relation.id.clone());
        let one = read.relations.iter().all(|known| Some(&known.id) == relation.as_ref());
        match expression {
            // Nothing but a condition: no second table, no grouping, no sub-query.
            Some((table, expression))
                if one && whole == format!("SELECT FROM {table} WHERE {expression}") =>
            {
                for function in std::mem::take(&mut read.functions) {
                    facts.function(&function.id, function.class);
                }
                facts.dynamic_sql |= read.dynamic_sql;
                facts.parameters = facts.parameters.max(read.parameters);
                Ok(expression)
            }
            Some(_) | None => Err(Unread::because("the condition of COPY is not understood")),
        }
    }

    /// The statement inside PREPARE or DECLARE, as a statement of its own.
    fn inner(&self, tree: &Tree, inner: &Inner, place: &Place) -> Result<Statement, Unread> {
        let gone = || Unread { reason: "the statement is gone".to_owned(), unresolved: None };
        let mut copy = tree.copy();
        let text = copy
            .with(|statement| match (statement, inner) {
                (Node::Prepare { statement, .. }, Inner::Prepare { .. }) => {
                    Some(statement.to_string())
                }
                (Node::Declare { stmts }, Inner::Declare { .. }) => stmts
                    .first()
                    .and_then(|declaration| declaration.for_query.as_ref())
                    .map(ToString::to_string),
                _ => None,
            })
            .flatten()
            .map(pre::restore)
            .ok_or_else(gone)?;
        let limits = self.limits.widened();
        let sources = match gate::split(&text, self.catalog.engine(), &limits) {
            Ok(sources) => sources,
            Err(error) => return Err(Unread { reason: error.to_string(), unresolved: None }),
        };
        let source = sources.first().ok_or_else(gone)?;
        let place = Place { index: place.index, count: place.count };
        self.parsed(source, &place).map(Statement::Parsed)
    }

    fn finish(
        &self,
        facts: Facts,
        (text, pieces): (String, Option<Vec<Piece>>),
        tree: Option<Tree>,
        source: &Source<'_>,
        place: &Place,
    ) -> Parsed {
        let Facts {
            kind,
            class,
            has_where,
            where_always_true,
            limit,
            returning,
            executes,
            data_modifying_cte,
            dynamic_sql,
            parameters,
            effect,
            inner: _,
            canonical: _,
            relations,
            columns,
            functions,
            gathering,
            outputs,
            settings,
            settings_kept,
            ..
        } = facts;
        let facts = StatementFacts {
            parsed: true,
            unparsed_reason: None,
            protocol: Protocol::Simple,
            index: place.index,
            count: place.count,
            kind,
            class,
            fingerprint: match pieces {
                Some(pieces) => redact::fingerprint_of(&text, &pieces),
                None => redact::fingerprint(&text, source.engine, &self.limits.widened()),
            },
            sha256: redact::sha256(text.as_bytes()),
            text,
            has_where,
            where_always_true,
            limit,
            returning,
            executes,
            data_modifying_cte,
            dynamic_sql,
            relations: relations.into(),
            columns: columns.into(),
            functions: functions.into(),
            outputs: outputs.into(),
            settings,
            settings_kept,
            unresolved: Vec::new(),
            parameters: Parameters {
                count: if source.engine.is_postgres() { parameters } else { source.n_parameters() },
                values: Vec::new(),
            },
            estimate: none(),
            actual: jurat_types::Actual::default(),
        };
        Parsed {
            facts,
            redacted: source.redacted().into(),
            effect,
            in_function: false,
            tree: KeptTree::new(tree),
            names: self.names.clone().into(),
            catalog: self.catalog.clone(),
            limits: self.limits.clone(),
            gathers: gathering.found(),
        }
    }

    fn opaque(&self, source: &Source<'_>, unread: Unread, place: &Place) -> Opaque {
        let text = source.original();
        // What stands for syntax of PostgreSQL is nothing that a client could understand.
        let reason = pre::without_marks(unread.reason);
        let mut facts = opaque_facts(text, source.engine, &reason, self.limits, place);
        facts.unresolved.extend(unread.unresolved.map(pre::without_marks));
        Opaque { facts, redacted: source.redacted(), reason, text: Some(text.to_owned()) }
    }
}

/// The only table and the condition of a query.
fn selection(statement: &Node) -> Option<(String, String)> {
    let Node::Query(query) = statement else { return None };
    let sqlparser::ast::SetExpr::Select(select) = &*query.body else { return None };
    let ([table], Some(condition)) = (select.from.as_slice(), &select.selection) else {
        return None;
    };
    Some((pre::restore(table.to_string()), pre::restore(condition.to_string())))
}

/// Why a statement could not be read.
struct Unread {
    reason: String,
    unresolved: Option<String>,
}

impl Unread {
    fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), unresolved: None }
    }
}

impl From<Stop> for Unread {
    fn from(stop: Stop) -> Self {
        let reason = stop.to_string();
        let unresolved = match stop {
            Stop::Unresolved { what: _, name } => Some(name),
            Stop::Unsupported(_) | Stop::Reason(_) | Stop::Mask(_) => None,
        };
        Self { reason, unresolved }
    }
}

/// A text that is not even statements.
fn opaque_bytes(
    bytes: &[u8],
    engine: Engine,
    reason: String,
    limits: &ReadLimits,
    place: &Place,
) -> Opaque {
    let text = std::str::from_utf8(bytes).ok();
    // Records must stay small even when a text is not.
    let shown = if bytes.len() > limits.bytes_max { None } else { text };
    let mut facts = opaque_facts(shown.unwrap_or_default(), engine, &reason, limits, place);
    facts.sha256 = redact::sha256(bytes);
    Opaque {
        facts,
        redacted: redact::text(bytes, engine, limits),
        reason,
        text: text.map(str::to_owned),
    }
}

fn opaque_facts(
    text: &str,
    engine: Engine,
    reason: &str,
    limits: &ReadLimits,
    place: &Place,
) -> StatementFacts {
    StatementFacts {
        parsed: false,
        unparsed_reason: Some(reason.to_owned()),
        protocol: Protocol::Simple,
        index: place.index,
        count: place.count,
        kind: "unparsed".to_owned(),
        class: StatementClass::Unknown,
        text: text.to_owned(),
        fingerprint: redact::fingerprint(text, engine, limits),
        sha256: redact::sha256(text.as_bytes()),
        has_where: false,
        where_always_true: false,
        limit: None,
        returning: false,
        executes: true,
        data_modifying_cte: false,
        dynamic_sql: false,
        relations: [].into(),
        columns: [].into(),
        functions: [].into(),
        outputs: [].into(),
        settings: Vec::new(),
        settings_kept: Vec::new(),
        unresolved: Vec::new(),
        parameters: Parameters::default(),
        estimate: none(),
        actual: jurat_types::Actual::default(),
    }
}

fn none() -> Estimate {
    Estimate { rows: None, source: "none".to_owned(), total: None }
}

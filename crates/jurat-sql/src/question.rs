//! What the database is asked about a statement before it runs: how many rows it would concern.
//!
//! A question is made of the tree of the statement, is read again like a statement of a client, and is only
//! given out where that reading says that it changes nothing and calls nothing that may.

use std::borrow::Cow;

use jurat_types::{
    Access, FunctionClass, RelationName, RelationUse, StatementClass, StatementFacts, Via,
};
use sqlparser::ast::{
    Delete, Expr, FromTable, Insert, Query, Select, SetExpr, Statement as Node, TableFactor,
    TableWithJoins, Update, UpdateTableFromKind,
};

use crate::read::read;
use crate::statement::{Parsed, Statement};
use crate::tree::Tree;

mod sample;
mod values;

pub use sample::Sampled;
pub use values::BoundValues;
use values::PARAMETERS;

/// Functions of the time, which differ from moment to moment and change nothing.
const TIMES: &[&str] = &[
    "clock_timestamp",
    "curdate",
    "current_date",
    "current_timestamp",
    "curtime",
    "localtime",
    "localtimestamp",
    "now",
    "statement_timestamp",
    "sysdate",
    "timeofday",
    "transaction_timestamp",
    "unix_timestamp",
    "utc_date",
    "utc_time",
    "utc_timestamp",
];

const SEVERAL: &str = "its text is several commands";

/// A question about one statement.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is sent.
    pub text: String,
    /// The same without literals, for the record.
    pub redacted: String,
    /// Which of the statement's parameters it has, in its own order, by their places from 0. Their values are sent
    /// beside it.
    pub parameters: Vec<usize>,
}

impl Parsed {
    /// Asks for the rows that the planner expects of `sent`, the statement as it would be sent.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn ask_planner(
        &self,
        sent: &str,
        values: BoundValues<'_>,
    ) -> Result<Question, &'static str> {
        let facts = &self.facts;
        let planned = matches!(facts.class, StatementClass::Read | StatementClass::Write)
            && matches!(
                facts.kind.as_str(),
                "delete" | "insert" | "merge" | "replace" | "select" | "update"
            );
        if !planned {
            return Err("the planner says nothing about statements of its kind");
        }
        if self.in_function {
            return Err(SEVERAL);
        }
        self.check_values(values)?;
        check(facts)?;
        let words = if self.catalog.engine().is_postgres() {
            "EXPLAIN (FORMAT JSON) "
        } else {
            "EXPLAIN FORMAT=JSON "
        };
        let (sent, parameters) = match values {
            BoundValues::InText => (Cow::Borrowed(sent), Vec::new()),
            BoundValues::Beside(count) => (Cow::Borrowed(sent), (0..count).collect()),
            BoundValues::Written(_) => {
                let lost = |_reason: String| "it could not be written down with its values";
                let engine = self.catalog.engine();
                let mut tree =
                    Tree::parse_text(sent, engine, &self.limits.widened()).map_err(lost)?;
                values::write(&mut tree, values)?;
                (Cow::Owned(tree.print(&self.limits).map_err(lost)?), Vec::new())
            }
        };
        // What is only planned is not run, so its literals alone are kept out of the record.
        let redacted = [words, &self.redacted].concat();
        Ok(Question { text: [words, &sent].concat(), redacted, parameters })
    }

    /// Whether the values of its parameters are known.
    fn check_values(&self, values: BoundValues<'_>) -> Result<(), &'static str> {
        match values {
            BoundValues::InText if self.facts.parameters.count > 0 => Err(PARAMETERS),
            BoundValues::InText | BoundValues::Beside(_) | BoundValues::Written(_) => Ok(()),
        }
    }

    /// Asks how many rows the condition of `sent` holds for now, or how many the tables have that it empties,
    /// removes or defines anew. With `share`, also how many rows there are in the table that it writes, where it
    /// is one: the second column.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn ask_count(
        &self,
        sent: &str,
        share: bool,
        values: BoundValues<'_>,
    ) -> Result<Question, &'static str> {
        self.check_values(values)?;
        if self.in_function {
            return Err(SEVERAL);
        }
        let (text, parameters) = match self.facts.class {
            StatementClass::Ddl => (self.count_tables()?, Vec::new()),
            StatementClass::Read | StatementClass::Write => self.count_rows(sent, share, values)?,
            StatementClass::Admin
            | StatementClass::Dcl
            | StatementClass::Session
            | StatementClass::Transaction
            | StatementClass::Unknown => {
                return Err("a statement of its kind concerns no rows that could be counted");
            }
        };
        let asked = self.read_question(&text, parameters.len())?;
        let text = asked.facts.text.clone();
        Ok(Question { text, redacted: asked.redacted.to_string(), parameters })
    }

    /// A question as it is read, where it only reads.
    fn read_question(&self, text: &str, parameters: usize) -> Result<Self, &'static str> {
        let reading = read(text.as_bytes(), &self.names, &self.catalog, &self.limits);
        let mut statements = reading.statements.into_iter();
        let (Some(Statement::Parsed(question)), None) = (statements.next(), statements.next())
        else {
            return Err(LOST);
        };
        let facts = &question.facts;
        let reads = facts.kind == "select"
            && facts.class == StatementClass::Read
            && !facts.data_modifying_cte
            && facts.relations.iter().all(|relation| relation.access == Access::Read);
        if !reads {
            return Err("a count of its rows would not only read");
        }
        if facts.parameters.count != parameters {
            return Err(PARAMETERS);
        }
        check(facts)?;
        Ok(question)
    }

    /// The rows of every table that a definition changes.
    fn count_tables(&self) -> Result<String, &'static str> {
        let mut names: Vec<RelationName> = Vec::new();
        for used in self.facts.relations.iter() {
            let name = RelationName::new(used.schema.clone(), used.name.clone());
            let changed = used.access != Access::Read && used.kind.contains("table");
            if changed && self.catalog.relation(&name).is_some() && !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err("it changes no table that is there");
        }
        let naming = self.catalog.naming();
        let counts: Vec<String> = names
            .iter()
            .map(|name| format!("(SELECT count(*) FROM {})", naming.qualified(name)))
            .collect();
        Ok(format!("SELECT {}", counts.join(" + ")))
    }

    /// The table that an UPDATE or DELETE changes by its own name, where it is one.
    fn written(&self) -> Option<RelationName> {
        let direct = |used: &&RelationUse| used.access == Access::Write && used.via == Via::Direct;
        let mut written = self.facts.relations.iter().filter(direct);
        let (first, rest) = (written.next()?, written.next());
        let counted = matches!(self.facts.kind.as_str(), "delete" | "update") && rest.is_none();
        counted.then(|| RelationName::new(first.schema.clone(), first.name.clone()))
    }

    /// The rows that the condition of a query or write holds for.
    fn count_rows(
        &self,
        sent: &str,
        share: bool,
        values: BoundValues<'_>,
    ) -> Result<(String, Vec<usize>), &'static str> {
        let postgres = self.catalog.engine().is_postgres();
        let name = if postgres { "pg_catalog.count" } else { "count" };
        let all = match self.written().filter(|_| share) {
            Some(table) => {
                format!(", (SELECT {name}(*) FROM {})", self.catalog.naming().qualified(&table))
            }
            None => String::new(),
        };
        let what = if self.facts.kind == "select" || self.facts.kind == "insert" {
            "(SELECT 1) AS jurat_rows"
        } else {
            "jurat_rows"
        };
        self.ask_around(&format!("SELECT {name}(*){all} FROM {what}"), sent, values)
    }

    /// A query with what decides about the rows of `sent` in the place of what it reads, and which of the parameters
    /// it has kept.
    fn ask_around(
        &self,
        query: &str,
        sent: &str,
        values: BoundValues<'_>,
    ) -> Result<(String, Vec<usize>), &'static str> {
        let lost = |_reason: String| LOST;
        let engine = self.catalog.engine();
        let limits = self.limits.widened();
        let mut outer = Tree::parse_text(query, engine, &limits).map_err(lost)?;
        let mut outer = outer
            .with(|node| if let Node::Query(query) = node { Some(query.clone()) } else { None })
            .flatten()
            .ok_or(LOST)?;
        let mut tree = Tree::parse_text(sent, engine, &limits).map_err(lost)?;
        values::write(&mut tree, values)?;
        let turned = tree.with(|node| {
            let select = select_of(&mut outer)?;
            turn(node, select)?;
            *node = Node::Query(outer);
            values::renumber(node, values)
        });
        let parameters = turned.ok_or(LOST)??;
        Ok((tree.print(&self.limits).map_err(lost)?, parameters))
    }
}

const LOST: &str = "a count of its rows could not be written down";

/// Whether asking leaves everything as it is.
fn check(facts: &StatementFacts) -> Result<(), &'static str> {
    let harmless = |id: &str| {
        let name = id.strip_prefix("pg_catalog.").unwrap_or(id);
        TIMES.iter().any(|time| name.eq_ignore_ascii_case(time))
    };
    let all = facts.functions.iter().all(|function| match function.class {
        FunctionClass::Catalog | FunctionClass::Pure => true,
        FunctionClass::Volatile => harmless(&function.id),
        FunctionClass::Admin
        | FunctionClass::DynamicSql
        | FunctionClass::File
        | FunctionClass::Network
        | FunctionClass::Settings
        | FunctionClass::Unknown => false,
    });
    if all && !facts.dynamic_sql {
        Ok(())
    } else {
        Err("it calls a function that may change something, or that differs from call to call")
    }
}

fn select_of(query: &mut Query) -> Result<&mut Select, &'static str> {
    match &mut *query.body {
        SetExpr::Select(select) => Ok(select),
        SetExpr::Query(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => Err(LOST),
    }
}

/// Moves what decides about the rows of a statement into a query.
fn turn(node: &mut Node, select: &mut Select) -> Result<(), &'static str> {
    if let Node::Update(update) = node {
        let Update { table, from, selection, limit: None, .. } = update else {
            return Err("it has a LIMIT");
        };
        let mut list = vec![table.clone()];
        match from {
            Some(UpdateTableFromKind::AfterSet(more) | UpdateTableFromKind::BeforeSet(more)) => {
                list.append(more);
            }
            None => {}
        }
        place(select, list, selection.take());
        Ok(())
    } else if let Node::Delete(delete) = node {
        let Delete { from, using, selection, limit: None, .. } = delete else {
            return Err("it has a LIMIT");
        };
        let (FromTable::WithFromKeyword(list) | FromTable::WithoutKeyword(list)) = from;
        let mut list = std::mem::take(list);
        // `DELETE FROM a USING a JOIN b` of MySQL names a table that stands in USING as well.
        match using {
            Some(using) if list.iter().all(|own| is_named_again(own, using)) => {
                list = std::mem::take(using);
            }
            Some(using) => list.append(using),
            None => {}
        }
        place(select, list, selection.take());
        Ok(())
    } else if let Node::Insert(Insert { source: Some(source), .. }) = node {
        if let SetExpr::Values(_) = &*source.body {
            return Err("its rows are in its text");
        }
        put_inside(select, source.clone())
    } else if let Node::Query(query) = node {
        put_inside(select, query.clone())
    } else {
        Err("the rows of a statement of its kind cannot be counted before")
    }
}

fn is_named_again(own: &TableWithJoins, using: &[TableWithJoins]) -> bool {
    let name = own.relation.to_string();
    using.iter().any(|one| {
        one.relation.to_string() == name
            || one.joins.iter().any(|join| join.relation.to_string() == name)
    })
}

fn place(select: &mut Select, from: Vec<TableWithJoins>, selection: Option<Expr>) {
    select.from = from;
    select.selection = selection;
}

fn put_inside(select: &mut Select, query: Box<Query>) -> Result<(), &'static str> {
    let inside = select.from.first_mut().map(|table| &mut table.relation);
    if let Some(TableFactor::Derived { subquery, .. }) = inside {
        *subquery = query;
        Ok(())
    } else {
        Err(LOST)
    }
}

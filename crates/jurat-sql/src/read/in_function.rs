//! An INSERT that comes inside a function: Sequelize's `findOrCreate` on PostgreSQL.
//!
//! It sends one message of three commands: a temporary function around the INSERT, which hands over the row or, where
//! the row exists, what the server says about that; a query of the function; its end. A function cannot be judged
//! by what it is called, so nothing but this very message is read, and it is read as the INSERT that it runs: one
//! statement, one decision. What is sent is the template filled with our own text of that INSERT, so nothing of
//! the client's text gets into a function's body. Anything else stays three statements, of which the query is
//! not understood.

use jurat_types::{OutputColumn, OutputMode, RelationName};
use sqlparser::ast::{Insert, Query, SelectItem, SetExpr, Statement as Node};

use super::{Place, Reader};
use crate::facts::Facts;
use crate::gate::{self, Source};
use crate::names;
use crate::redact;
use crate::statement::Parsed;
use crate::tree::Tree;

/// The delimiter of the body that is sent.
const DELIMITER: &str = "$jurat$";
const CREATE: &str = "CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response ";
const RETURNS: &str = ", OUT sequelize_caught_exception text) RETURNS RECORD AS ";
const BEGIN: &str = " BEGIN ";
const CAUGHT: &str = " RETURNING * INTO response; EXCEPTION WHEN unique_violation THEN \
    GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END ";
const LANGUAGE: &str = " LANGUAGE plpgsql";
const FIELD: &str = "(testfunc.response).";
const FROM: &str = ", testfunc.sequelize_caught_exception FROM pg_temp.testfunc()";
const DROP: &str = "DROP FUNCTION IF EXISTS pg_temp.testfunc()";

/// The parts of such a message that are not the same in all.
struct Message<'t> {
    insert: &'t str,
    /// The fields of the row that are asked for, as they are written.
    fields: Vec<&'t str>,
}

impl Reader<'_> {
    /// The INSERT of such a message; nothing for any other.
    pub(super) fn in_function(&self, sources: &[Source<'_>]) -> Option<Parsed> {
        let [create, query, drop] = sources else { return None };
        if !create.engine.is_postgres() || drop.original() != DROP {
            return None;
        }
        let message = Message::of(create.original(), query.original())?;
        // A comment at the end would swallow what stands behind it.
        let text = format!("{}\nRETURNING *", message.insert);
        let limits = self.limits.widened();
        let mut tree = Tree::parse_text(&text, create.engine, &limits).ok()?;
        let mut facts = self.walked(&mut tree).ok()?;
        let plain = tree.with(|statement| is_plain(statement)).unwrap_or_default();
        let relation = only_relation(&facts)?;
        if !plain {
            return None;
        }
        let fields = message.columns(&facts.outputs)?;
        facts.outputs = outputs(&facts.outputs, &fields);
        let printed = tree.print(self.limits).ok()?;
        let insert = printed.strip_suffix(" RETURNING *")?;
        if insert.contains(DELIMITER) {
            return None;
        }
        let redacted = gate::split(insert, create.engine, &limits).ok()?.first()?.redacted();
        let table = names::qualified(&relation).to_string();
        let query = select(&fields);
        let whole = |insert: &str| {
            let body = format!("{DELIMITER}{BEGIN}{insert}{CAUGHT}{DELIMITER}");
            format!("{CREATE}{table}{RETURNS}{body}{LANGUAGE}; {query}; {DROP}")
        };
        let place = Place { index: 0, count: 1 };
        let mut parsed = self.finish(facts, (whole(insert), None), None, create, &place);
        // A body is one literal, and must not be left out of either.
        let told_apart = format!("{insert}; {query}");
        parsed.facts.fingerprint = redact::fingerprint(&told_apart, create.engine, &limits);
        parsed.redacted = whole(&redacted).into();
        parsed.in_function = true;
        Some(parsed)
    }
}

impl<'t> Message<'t> {
    fn of(create: &'t str, query: &'t str) -> Option<Self> {
        let (table, rest) = create.strip_prefix(CREATE)?.split_once(RETURNS)?;
        let (mark, rest) = rest.strip_prefix('$')?.split_once('$')?;
        let delimiter = format!("${mark}$");
        let theirs = mark.strip_prefix("func_").is_some_and(|mark| {
            !mark.is_empty() && mark.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        // What is sent reads as itself.
        if !theirs && delimiter != DELIMITER {
            return None;
        }
        let body = rest.strip_suffix(LANGUAGE)?.strip_suffix(&delimiter)?;
        let insert = body.strip_prefix(BEGIN)?.strip_suffix(CAUGHT)?;
        let same_table = insert.strip_prefix("INSERT INTO ")?.strip_prefix(table)?;
        if body.contains(&delimiter) || !same_table.starts_with(" (") {
            return None;
        }
        let fields = query.strip_prefix("SELECT ")?.strip_prefix(FIELD)?.strip_suffix(FROM)?;
        let fields = fields.split(&format!(", {FIELD}")).collect();
        Some(Self { insert, fields })
    }

    /// The columns that the fields are. A field of any other name would be a call of a function.
    fn columns(&self, outputs: &[OutputColumn]) -> Option<Vec<String>> {
        if self.fields == ["*"] {
            return Some(outputs.iter().map(|output| output.name.clone()).collect());
        }
        let column = |field: &&str| {
            let named =
                |output: &&OutputColumn| *field == output.name || *field == quoted(&output.name);
            outputs.iter().find(named).map(|output| output.name.clone())
        };
        self.fields.iter().map(column).collect()
    }
}

/// Whether it inserts one row of values and does nothing besides. PL/pgSQL sees to it that it is one: it takes a
/// second row from RETURNING for an error.
fn is_plain(statement: &Node) -> bool {
    let Node::Insert(Insert {
        table_alias: None, source: Some(source), on: None, returning, ..
    }) = statement
    else {
        return false;
    };
    let Query { with: None, body, order_by: None, limit_clause: None, .. } = &**source else {
        return false;
    };
    let one_row = matches!(&**body, SetExpr::Values(values) if values.rows.len() == 1);
    let star = matches!(returning.as_deref(), Some([SelectItem::Wildcard(_)]));
    one_row && star
}

/// The table that the rows go to, where no other relation takes part. PL/pgSQL's own variables stand for columns of
/// the same name, so no column may be read but what RETURNING gives.
fn only_relation(facts: &Facts) -> Option<RelationName> {
    let first = facts.relations.first()?;
    let relation = RelationName::new(first.schema.clone(), first.name.clone());
    let alone = facts.relations.iter().all(|used| used.id == first.id);
    let temporary = relation.schema.starts_with("pg_temp");
    let ordinary = facts.kind == "insert" && facts.canonical && facts.parameters == 0;
    (alone && ordinary && !temporary).then_some(relation)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn select(fields: &[String]) -> String {
    let fields: Vec<_> = fields.iter().map(|name| format!("{FIELD}{}", quoted(name))).collect();
    format!("SELECT {}{FROM}", fields.join(", "))
}

/// The result of the query. What the server says about a row that exists quotes its key.
fn outputs(row: &[OutputColumn], fields: &[String]) -> Vec<OutputColumn> {
    let named = |name: &String| row.iter().find(|output| output.name == *name).cloned();
    let all = row.iter().flat_map(|output| output.columns.iter().cloned()).collect();
    let caught = OutputColumn {
        name: "sequelize_caught_exception".to_owned(),
        mode: OutputMode::Derived,
        columns: all,
    };
    fields.iter().filter_map(named).chain([caught]).collect()
}

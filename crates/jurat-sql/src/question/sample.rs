//! What the database is asked for the card of a request: a few of the rows that an UPDATE or DELETE concerns.

use jurat_types::RelationName;
use sqlparser::ast::{Delete, FromTable, Statement as Node, TableFactor, TableWithJoins, Update};

use super::{BoundValues, LOST, SEVERAL};
use crate::statement::{Parsed, Statement};
use crate::tree::Tree;

/// Characters of a value that are shown.
const CHARACTERS: u32 = 80;

/// A query for rows that a write concerns, read like a statement of a client.
#[derive(Debug)]
pub struct Sampled {
    /// The query.
    pub statement: Statement,
    /// As in [`Question`](super::Question).
    pub parameters: Vec<usize>,
}

impl Parsed {
    /// The one table whose rows an UPDATE or DELETE changes.
    pub fn table_written(&self) -> Option<RelationName> {
        let name = self.written()?;
        let used = self.facts.relations.iter().find(|used| {
            used.schema == name.schema && used.name == name.name && used.kind.contains("table")
        });
        used.map(|_table| name)
    }

    /// Asks for the beginning of the values that at most `rows` of the rows have in `columns`, of those that `sent`
    /// concerns, where it changes one table and reads no other beside it.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn ask_sample(
        &self,
        sent: &str,
        (columns, rows): (&[String], u32),
        values: BoundValues<'_>,
    ) -> Result<Sampled, &'static str> {
        self.check_values(values)?;
        if self.in_function {
            return Err(SEVERAL);
        }
        let engine = self.catalog.engine();
        let mut tree =
            Tree::parse_text(sent, engine, &self.limits.widened()).map_err(|_reason| LOST)?;
        if !tree.with(|node| is_of_one_table(node)).unwrap_or(false) {
            return Err("it is no UPDATE or DELETE of one table alone");
        }
        let naming = self.catalog.naming();
        let shown = columns.iter().map(|column| {
            let column = naming.sql(column);
            if engine.is_postgres() {
                format!("pg_catalog.substr(CAST({column} AS text), 1, {CHARACTERS})")
            } else {
                format!("substr({column}, 1, {CHARACTERS})")
            }
        });
        let shown: Vec<String> = shown.collect();
        let query = format!("SELECT {} FROM jurat_rows LIMIT {rows}", shown.join(", "));
        let (text, parameters) = self.ask_around(&query, sent, values)?;
        let asked = self.read_question(&text, parameters.len())?;
        Ok(Sampled { statement: Statement::Parsed(asked), parameters })
    }
}

fn is_of_one_table(node: &Node) -> bool {
    let alone = |table: &TableWithJoins| {
        table.joins.is_empty() && matches!(table.relation, TableFactor::Table { .. })
    };
    if let Node::Update(Update { table, from, .. }) = node {
        return from.is_none() && alone(table);
    }
    let Node::Delete(Delete { from, using, .. }) = node else { return false };
    let (FromTable::WithFromKeyword(list) | FromTable::WithoutKeyword(list)) = from;
    using.is_none() && matches!(list.as_slice(), [table] if alone(table))
}

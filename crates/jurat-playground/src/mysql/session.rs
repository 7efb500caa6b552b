//! A session of a MySQL client: what its statements are, and how they run on SQLite.

use rusqlite::types::Value;

use super::{translate::translate, variables::Variables};
use crate::{
    engine::{Column, Engine, Outcome, Query},
    failure::Failure,
    kind::Kind,
    matching,
    tokens::{Dialect, Token, render, tokenize},
};

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    engine: Engine,
    variables: Variables,
    autocommit: bool,
    last_id: i64,
}

/// A statement that was read.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    action: Action,
    pub(super) columns: Vec<Column>,
    /// How many parameters it has.
    pub(super) parameters: usize,
}

#[derive(Clone, Debug)]
enum Action {
    Run(Query, Verb),
    /// A command of SQLite's for the transaction.
    Transaction(&'static str),
    Savepoint(String),
    Set(Vec<Token>),
    /// Rows that are already known.
    Rows(Outcome),
    Nothing,
}

/// What a statement does with a transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    Read,
    Write,
    /// A definition commits what is open, as in MySQL.
    Define,
}

impl Session {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, variables: Variables::new(), autocommit: true, last_id: 0 }
    }

    /// Reads one statement.
    ///
    /// # Errors
    /// What is wrong with it, or what the playground does not know.
    pub(super) fn read(&mut self, text: &str) -> Result<Statement, Failure> {
        let tokens = tokenize(text, Dialect::MySql)?;
        let mut parts = tokens.split(|token| token.is_sign(";")).filter(|part| !part.is_empty());
        let Some(tokens) = parts.next() else {
            return Err(Failure::new("42601", "Query was empty"));
        };
        if parts.next().is_some() {
            return Err(Failure::unsupported("several statements in one text"));
        }
        let plain = |action| Ok(Statement { action, columns: Vec::new(), parameters: 0 });
        let first = tokens.first().map(|t| t.text.to_ascii_uppercase()).unwrap_or_default();
        match first.as_str() {
            "SELECT" | "WITH" | "VALUES" | "(" => self.run(tokens, Verb::Read),
            "INSERT" | "UPDATE" | "DELETE" | "REPLACE" => self.run(tokens, Verb::Write),
            "TRUNCATE" => {
                let skipped = if tokens.get(1).is_some_and(|t| t.is("TABLE")) { 2 } else { 1 };
                let mut whole = vec![Token::word("DELETE"), Token::word("FROM")];
                whole.extend(tokens.iter().skip(skipped).cloned());
                self.run(&whole, Verb::Define)
            }
            "CREATE" | "DROP" | "ALTER" => self.define(tokens),
            "BEGIN" | "START" => plain(Action::Transaction("BEGIN")),
            "COMMIT" => plain(Action::Transaction("COMMIT")),
            "ROLLBACK" if tokens.iter().any(|token| token.is("TO")) => {
                plain(Action::Savepoint(format!("ROLLBACK TO {}", last_name(tokens)?)))
            }
            "ROLLBACK" => plain(Action::Transaction("ROLLBACK")),
            "SAVEPOINT" => plain(Action::Savepoint(format!("SAVEPOINT {}", last_name(tokens)?))),
            "RELEASE" => plain(Action::Savepoint(format!("RELEASE {}", last_name(tokens)?))),
            "SET" => plain(Action::Set(tokens.to_vec())),
            // Functions that do something are not known here, so there is nothing to run.
            "DO" => plain(Action::Nothing),
            "SHOW" => self.show(tokens),
            "DESCRIBE" | "DESC" => {
                let table = tokens.last().map(Token::name).unwrap_or_default();
                self.show_columns(&table)
            }
            "USE" => {
                let name = tokens.last().map(Token::name).unwrap_or_default();
                if super::is_there(name.as_bytes()) {
                    plain(Action::Nothing)
                } else {
                    Err(super::unknown_database(&name))
                }
            }
            other => Err(Failure::unsupported(format_args!("the statement {other}"))),
        }
    }

    fn run(&mut self, tokens: &[Token], verb: Verb) -> Result<Statement, Failure> {
        let translated = translate(tokens, &self.variables, self.last_id)?;
        let query = Query {
            sql: render(&translated, true),
            as_view: (verb == Verb::Read).then(|| render(&translated, false)),
            reads_catalog: translated
                .iter()
                .any(|token| token.is_name() && token.name() == "information_schema"),
        };
        let columns = self.engine.describe(&query)?;
        let parameters =
            translated.iter().filter(|t| t.shape == crate::tokens::Shape::Parameter).count();
        Ok(Statement { action: Action::Run(query, verb), columns, parameters })
    }

    fn define(&mut self, tokens: &[Token]) -> Result<Statement, Failure> {
        const KINDS: &[&str] = &["TABLE", "VIEW", "INDEX", "UNIQUE", "TEMPORARY"];
        if !tokens.get(1).is_some_and(|token| KINDS.iter().any(|kind| token.is(kind))) {
            return Err(Failure::unsupported("this kind of definition"));
        }
        // Behind the columns of a table stand its engine and character set.
        let table = tokens.first().is_some_and(|t| t.is("CREATE"))
            && tokens.iter().take(3).any(|t| t.is("TABLE"));
        let open = tokens.iter().position(|token| token.is_sign("(")).filter(|_| table);
        let end = open.and_then(|open| crate::tokens::closing(tokens, open));
        let kept = end.map_or(tokens.len(), |end| end.saturating_add(1));
        self.run(tokens.get(..kept).unwrap_or(tokens), Verb::Define)
    }

    fn show(&mut self, tokens: &[Token]) -> Result<Statement, Failure> {
        let words: Vec<String> =
            tokens.iter().skip(1).map(|t| t.text.to_ascii_uppercase()).collect();
        let pattern = tokens.iter().position(|token| token.is("LIKE"));
        let pattern =
            pattern.and_then(|at| tokens.get(at.saturating_add(1))).map(|t| t.text.clone());
        let matches = |name: &str| {
            pattern
                .as_ref()
                .is_none_or(|p| matching::like(&p.to_lowercase(), &name.to_lowercase(), Some('\\')))
        };
        let has = |word: &str| words.iter().any(|found| found == word);
        if has("WARNINGS") || has("ERRORS") {
            return Ok(known(&["Level", "Code", "Message"], Vec::new()));
        }
        if has("VARIABLES") || has("STATUS") {
            let all = self.variables.all().filter(|(name, _)| has("VARIABLES") && matches(name));
            let rows = all.map(|(name, value)| vec![text(name), text(value)]).collect();
            return Ok(known(&["Variable_name", "Value"], rows));
        }
        if has("GRANTS") {
            let all = "GRANT ALL PRIVILEGES ON *.* TO CURRENT_USER()";
            return Ok(known(&["Grants"], vec![vec![text(all)]]));
        }
        if has("DATABASES") || has("SCHEMAS") {
            let names = ["information_schema", crate::DATABASE];
            return Ok(known(&["Database"], names.iter().map(|name| vec![text(name)]).collect()));
        }
        if has("COLUMNS") || has("FIELDS") {
            let at = tokens.iter().position(|token| token.is("FROM") || token.is("IN"));
            let table = at.and_then(|at| tokens.get(at.saturating_add(1))).map(Token::name);
            return self.show_columns(&table.unwrap_or_default());
        }
        if has("TABLES") {
            let schema = self.engine.schema()?;
            let full = has("FULL");
            let row = |relation: &crate::engine::Relation| {
                let kind = if relation.is_view() { "VIEW" } else { "BASE TABLE" };
                let mut row = vec![text(&relation.name)];
                if full {
                    row.push(text(kind));
                }
                row
            };
            let mut rows: Vec<_> =
                schema.relations.iter().filter(|r| matches(&r.name)).map(row).collect();
            rows.sort_by_key(|row| row.first().map(|name| format!("{name:?}")));
            let name = format!("Tables_in_{}", crate::DATABASE);
            let names = if full { vec![name.as_str(), "Table_type"] } else { vec![name.as_str()] };
            return Ok(known(&names, rows));
        }
        Err(Failure::unsupported(format_args!("SHOW {}", words.join(" "))))
    }

    fn show_columns(&mut self, table: &str) -> Result<Statement, Failure> {
        let schema = self.engine.schema()?;
        let relation = schema.relation(table).ok_or_else(|| {
            let said = format!("Table '{}.{table}' doesn't exist", crate::DATABASE);
            Failure::new("42P01", said)
        })?;
        let row = |column: &crate::engine::RelationColumn| {
            let nullable = !column.not_null && column.key.is_none();
            vec![
                text(&column.name),
                text(column.kind.mysql_name()),
                text(if nullable { "YES" } else { "NO" }),
                text(if column.key.is_some() { "PRI" } else { "" }),
                column.default.as_ref().map_or(Value::Null, |default| text(default)),
                text(""),
            ]
        };
        let rows = relation.columns.iter().map(row).collect();
        Ok(known(&["Field", "Type", "Null", "Key", "Default", "Extra"], rows))
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// SQLite's; a statement that fails leaves its transaction open, as in MySQL.
    pub(super) fn execute(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Outcome, Failure> {
        match &statement.action {
            Action::Rows(outcome) => Ok(outcome.clone()),
            Action::Nothing => Ok(Outcome::default()),
            Action::Set(tokens) => self.set(tokens).map(|()| Outcome::default()),
            Action::Savepoint(command) => {
                self.begin_where_due()?;
                self.engine.command(command).map(|()| Outcome::default())
            }
            Action::Transaction(command) => {
                // BEGIN commits what is open; COMMIT and ROLLBACK without a transaction do nothing.
                if !self.engine.is_idle() {
                    self.engine.command(if *command == "ROLLBACK" {
                        "ROLLBACK"
                    } else {
                        "COMMIT"
                    })?;
                }
                if *command == "BEGIN" {
                    self.engine.command("BEGIN")?;
                }
                Ok(Outcome::default())
            }
            Action::Run(query, verb) => {
                if *verb == Verb::Define && !self.engine.is_idle() {
                    self.engine.command("COMMIT")?;
                }
                if *verb != Verb::Define {
                    self.begin_where_due()?;
                }
                let mut outcome = self.engine.run(query, values)?;
                match verb {
                    Verb::Write => self.last_id = outcome.last_id,
                    Verb::Define => outcome.changes = 0,
                    Verb::Read => {}
                }
                Ok(outcome)
            }
        }
    }

    /// Whether a transaction is open, and whether each statement commits by itself.
    pub(super) fn status(&self) -> (bool, bool) {
        (!self.engine.is_idle(), self.autocommit)
    }

    /// Without autocommit every statement begins a transaction where none is open.
    fn begin_where_due(&mut self) -> Result<(), Failure> {
        if !self.autocommit && self.engine.is_idle() {
            self.engine.command("BEGIN")
        } else {
            Ok(())
        }
    }

    /// `SET a = 1, @@session.b = 'x'`; the forms without `=` are taken note of and change nothing.
    fn set(&mut self, tokens: &[Token]) -> Result<(), Failure> {
        let rest = tokens.get(1..).unwrap_or_default();
        for part in crate::tokens::split(rest, |token| token.is_sign(",")) {
            let Some(at) = part.iter().position(|token| token.is_sign("=") || token.is_sign(":="))
            else {
                continue;
            };
            let (Some(name), Some(value)) =
                (at.checked_sub(1).and_then(|at| part.get(at)), part.get(at.saturating_add(1)))
            else {
                return Err(Failure::new("42601", "syntax error in SET"));
            };
            if name.text.starts_with('@') && !name.text.starts_with("@@") {
                return Err(Failure::unsupported("variables of users"));
            }
            let behind = part.get(at.saturating_add(1)..).unwrap_or_default();
            let value = if behind.len() > 1 {
                self.evaluate(behind)?
            } else if value.text.starts_with("@@") {
                self.variables.get(&value.text)?
            } else {
                value.text.clone()
            };
            self.variables.set(&name.text, &value);
            if name.text.to_ascii_lowercase().ends_with("autocommit") {
                self.autocommit =
                    matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "true");
                if self.autocommit && !self.engine.is_idle() {
                    self.engine.command("COMMIT")?;
                }
            }
        }
        Ok(())
    }

    /// The value of an expression, as text.
    fn evaluate(&mut self, expression: &[Token]) -> Result<String, Failure> {
        let mut tokens = vec![Token::word("SELECT")];
        tokens.extend_from_slice(expression);
        let statement = self.run(&tokens, Verb::Read)?;
        let outcome = self.execute(&statement, &[])?;
        Ok(match outcome.rows.into_iter().flatten().next() {
            Some(Value::Text(text)) => text,
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Real(number)) => number.to_string(),
            Some(Value::Blob(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Some(Value::Null) | None => String::new(),
        })
    }

    /// Begins anew, as `COM_RESET_CONNECTION` does: what is open is taken back, and settings are the server's.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn reset(&mut self) -> Result<(), Failure> {
        if !self.engine.is_idle() {
            self.engine.command("ROLLBACK")?;
        }
        self.variables = Variables::new();
        self.autocommit = true;
        self.last_id = 0;
        Ok(())
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn known(names: &[&str], rows: Vec<Vec<Value>>) -> Statement {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        kind: Some(Kind::Varchar),
        origin: None,
        origin_names: None,
    };
    let columns: Vec<Column> = names.iter().map(column).collect();
    let outcome = Outcome { columns: columns.clone(), rows, ..Outcome::default() };
    Statement { action: Action::Rows(outcome), columns, parameters: 0 }
}

/// The name at the end, quoted.
fn last_name(tokens: &[Token]) -> Result<String, Failure> {
    let name = tokens.last().filter(|token| token.is_name() && tokens.len() > 1);
    let name = name.ok_or_else(|| Failure::new("42601", "a savepoint has a name"))?;
    Ok(format!("\"{}\"", name.text.replace('"', "\"\"")))
}

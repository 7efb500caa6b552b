//! A session of a PostgreSQL client: transactions in PostgreSQL's way over SQLite's.

use rusqlite::types::Value;

use super::{
    questions,
    statement::{Action, Statement, Tag, column, read, read_tokens, statements},
};
use crate::{
    engine::{Engine, Outcome},
    failure::Failure,
};

/// What a statement gives.
#[derive(Debug)]
pub(super) struct Answer {
    /// With columns where the client gets rows.
    pub(super) outcome: Outcome,
    /// The command tag, without the number of rows where `counted`.
    pub(super) tag: String,
    pub(super) counted: bool,
    /// What it did to the block.
    pub(super) block: BlockChange,
}

/// What a statement did to the transaction block, as the client sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BlockChange {
    Nothing,
    Began,
    Ended,
}

/// The transaction of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Block {
    None,
    /// Around the statements of one message or one pipeline; the client does not see it.
    Implicit,
    Open,
    Failed,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    engine: Engine,
    block: Block,
}

impl Session {
    pub(super) const fn new(engine: Engine) -> Self {
        Self { engine, block: Block::None }
    }

    /// Reads a statement for the extended protocol.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn prepare(&mut self, text: &str) -> Result<Option<Statement>, Failure> {
        let statement = read(text, &mut self.engine)?;
        if let Some(statement) = &statement {
            self.refuse_in_failed(statement)?;
        }
        Ok(statement)
    }

    /// Runs all statements of a simple query. What came before an error stays in the answers.
    pub(super) fn simple(&mut self, text: &str) -> (Vec<Answer>, Option<Failure>) {
        let mut answers = Vec::new();
        let parts = match statements(text) {
            Ok(parts) => parts,
            Err(failure) => return (answers, Some(self.fail(failure))),
        };
        for part in parts {
            let run = read_tokens(&part, &mut self.engine);
            match run.and_then(|statement| self.execute(&statement, &[])) {
                Ok(answer) => answers.push(answer),
                Err(failure) => {
                    let failure = self.fail(failure);
                    // A failure inside of an implicit block takes everything back.
                    return (answers, Some(self.end_message(true).unwrap_or(failure)));
                }
            }
        }
        let failed = self.end_message(false);
        (answers, failed)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What went wrong; the block has failed.
    pub(super) fn execute(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Answer, Failure> {
        let result = self.refuse_in_failed(statement).and_then(|()| self.act(statement, values));
        result.map_err(|failure| self.fail(failure))
    }

    /// The end of a message or a pipeline: an implicit block ends with it. Gives what went wrong in that.
    pub(super) fn end_message(&mut self, failed: bool) -> Option<Failure> {
        match self.block {
            Block::Implicit => {
                self.block = Block::None;
                let command = if failed { "ROLLBACK" } else { "COMMIT" };
                self.finish(command).err()
            }
            Block::Open if failed => {
                self.block = Block::Failed;
                None
            }
            Block::None | Block::Open | Block::Failed => None,
        }
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        if self.block == Block::Open {
            self.block = Block::Failed;
        }
        failure
    }

    fn refuse_in_failed(&self, statement: &Statement) -> Result<(), Failure> {
        let ends = match &statement.action {
            Action::Commit | Action::Rollback => true,
            Action::Savepoint(_, tag) => *tag == "ROLLBACK",
            Action::Run(..)
            | Action::Begin
            | Action::Accept(_)
            | Action::Show(_)
            | Action::Catalog(_) => false,
        };
        if self.block == Block::Failed && !ends {
            let said =
                "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Failure::new("25P02", said));
        }
        Ok(())
    }

    fn act(&mut self, statement: &Statement, values: &[Value]) -> Result<Answer, Failure> {
        let done = |tag: &str, block| Answer {
            outcome: Outcome::default(),
            tag: tag.to_owned(),
            counted: false,
            block,
        };
        match &statement.action {
            Action::Begin => {
                self.begin(Block::Open)?;
                self.block = Block::Open;
                Ok(done("BEGIN", BlockChange::Began))
            }
            Action::Commit => {
                let failed = self.block == Block::Failed;
                self.block = Block::None;
                self.finish(if failed { "ROLLBACK" } else { "COMMIT" })?;
                Ok(done(if failed { "ROLLBACK" } else { "COMMIT" }, BlockChange::Ended))
            }
            Action::Rollback => {
                self.block = Block::None;
                self.finish("ROLLBACK")?;
                Ok(done("ROLLBACK", BlockChange::Ended))
            }
            Action::Savepoint(command, tag) => {
                if !matches!(self.block, Block::Open | Block::Failed) {
                    let said = format!("{tag} can only be used in transaction blocks");
                    return Err(Failure::new("25P01", said));
                }
                self.engine.command(command)?;
                self.block = Block::Open;
                Ok(done(tag, BlockChange::Began))
            }
            Action::Accept(tag) => Ok(done(tag, BlockChange::Nothing)),
            Action::Show(name) => {
                let value = setting(name).ok_or_else(|| {
                    Failure::new("42704", format!("the playground has no setting \"{name}\""))
                })?;
                Ok(Answer {
                    outcome: rows(statement, vec![vec![Value::Text(value.to_owned())]]),
                    ..done("SHOW", BlockChange::Nothing)
                })
            }
            Action::Catalog(question) => {
                let schema = self.engine.schema()?;
                let outcome = rows(statement, questions::answer(*question, &schema));
                Ok(Answer { outcome, counted: true, ..done("SELECT", BlockChange::Nothing) })
            }
            Action::Run(query, tag) => {
                self.begin(Block::Implicit)?;
                let mut outcome = self.engine.run(query, values)?;
                let (name, counted) = match tag {
                    Tag::Counted(name) => ((*name).to_owned(), true),
                    Tag::Plain(name) => (name.clone(), false),
                };
                if name == "EXPLAIN" {
                    outcome = plan(outcome);
                }
                // What was described is what comes.
                if !statement.columns.is_empty() && !values.is_empty() {
                    outcome.columns.clone_from(&statement.columns);
                }
                Ok(Answer { outcome, tag: name, counted, block: BlockChange::Nothing })
            }
        }
    }

    /// Begins a transaction where none is.
    fn begin(&mut self, block: Block) -> Result<(), Failure> {
        if self.block == Block::None {
            self.engine.command("BEGIN")?;
            self.block = block;
        }
        Ok(())
    }

    /// SQLite may have rolled back by itself already.
    fn finish(&mut self, command: &str) -> Result<(), Failure> {
        if self.engine.is_idle() {
            return Ok(());
        }
        let ended = self.engine.command(command);
        if ended.is_err() && !self.engine.is_idle() {
            self.engine.command("ROLLBACK")?;
        }
        ended
    }
}

fn rows(statement: &Statement, rows: Vec<Vec<Value>>) -> Outcome {
    Outcome { columns: statement.columns.clone(), rows, ..Outcome::default() }
}

/// SQLite's plan has four columns, the last of which is for people.
fn plan(outcome: Outcome) -> Outcome {
    let lines = outcome.rows.into_iter().filter_map(|row| row.into_iter().nth(3));
    Outcome {
        rows: lines.map(|line| vec![line]).collect(),
        columns: vec![column("QUERY PLAN")],
        ..Outcome::default()
    }
}

/// What SHOW says.
fn setting(name: &str) -> Option<&'static str> {
    const SETTINGS: &[(&str, &str)] = &[
        ("client_encoding", "UTF8"),
        ("datestyle", "ISO, MDY"),
        ("default_transaction_read_only", "off"),
        ("integer_datetimes", "on"),
        ("max_identifier_length", "63"),
        ("search_path", "public"),
        ("server_encoding", "UTF8"),
        ("server_version", crate::SERVER_VERSION_POSTGRES),
        ("server_version_num", "150000"),
        ("standard_conforming_strings", "on"),
        ("statement_timeout", "30s"),
        ("time zone", "UTC"),
        ("timezone", "UTC"),
        ("transaction isolation level", "serializable"),
        ("transaction_isolation", "serializable"),
        ("transaction_read_only", "off"),
    ];
    SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

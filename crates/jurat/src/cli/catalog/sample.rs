//! Samples: a few values of each text column are read as a client of a running Jurat, so that each statement is
//! judged and recorded as everybody's. What detectors recognize is counted; no value is kept, printed or logged.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use jurat_core::Detectors;
use jurat_types::{Catalog, Column, Relation};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, SimpleQueryRow, config::SslMode};

use super::{
    names::{Family, family},
    subjects,
};
use crate::{
    config::SecretRef,
    exit::{Exit, Failure, chain},
};

/// How many characters of a value are looked at.
const CHARACTERS_MAX: usize = 4096;
/// How many columns one statement reads, so that an answer has a bound.
const COLUMNS_MAX: usize = 32;
/// How long a statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(super) struct SampleOption {
    /// Look at samples, too: the address of a running Jurat on this machine. Its policies judge each statement
    #[arg(long, value_name = "ADDRESS", requires = "user")]
    through: Option<SocketAddr>,
    /// Who reads the samples: a name in the users file
    #[arg(long = "as", value_name = "USER", requires = "through")]
    user: Option<String>,
    /// A file with the password; else it is in JURAT_PASSWORD
    #[arg(long, value_name = "FILE", requires = "through")]
    password_file: Option<PathBuf>,
    /// How many rows of each relation are looked at
    #[arg(long, value_name = "N", default_value = "100", requires = "through",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    rows: u32,
}

/// What became of the samples of one column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Sample {
    /// How many values there were, and in how many of them each kind was recognized.
    Seen { values: usize, kinds: BTreeMap<&'static str, usize> },
    /// The statement did not run; the SQLSTATE says why, and the record says more.
    Refused { code: String },
}

/// The samples by the ids of their columns.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) by_id: HashMap<String, Sample>,
    pub(super) statements: usize,
    pub(super) refused: usize,
}

/// Some columns of one relation, read by one statement.
#[derive(Debug)]
struct Question<'c> {
    relation: &'c Relation,
    columns: Vec<&'c Column>,
    rows: u32,
}

impl SampleOption {
    /// Samples the text columns that `wanted` accepts by their ids; nothing where no samples are asked for.
    ///
    /// # Errors
    /// Where the running Jurat cannot be reached or does not let the user in. A statement that is refused is
    /// no failure: its columns are said to be refused.
    pub(super) async fn read(
        &self,
        catalog: &Catalog,
        database: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Samples>, Failure> {
        let (Some(address), Some(user)) = (self.through, &self.user) else { return Ok(None) };
        let client = self.connect(address, user, database).await?;
        let detectors = Detectors::all();
        let mut samples = Samples::default();
        for question in questions(catalog, self.rows, wanted) {
            samples.statements = samples.statements.saturating_add(1);
            let text = question.text();
            let answer = client.simple_query(&text);
            let answer = match tokio::time::timeout(STATEMENT_TIMEOUT, answer).await {
                Ok(Ok(answer)) => question.count(&answer, &detectors),
                Ok(Err(error)) => match error.code() {
                    // The words of an error may hold a value.
                    Some(code) if !client.is_closed() => question.refused(code.code()),
                    Some(_) | None => return Err(ended(&question)),
                },
                Err(_elapsed) => return Err(ended(&question)),
            };
            let refused = answer.iter().any(|(_, sample)| matches!(sample, Sample::Refused { .. }));
            samples.refused = samples.refused.saturating_add(usize::from(refused));
            samples.by_id.extend(answer);
        }
        Ok(Some(samples))
    }

    async fn connect(
        &self,
        address: SocketAddr,
        user: &str,
        database: &str,
    ) -> Result<Client, Failure> {
        if !address.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "samples are not encrypted on their way here: run this where Jurat runs, and not through {address}"
            )));
        }
        let secret = self
            .password_file
            .clone()
            .map_or_else(|| SecretRef::Env("JURAT_PASSWORD".to_owned()), SecretRef::File);
        let password = secret.fetch().map_err(|error| {
            Failure::usage(format!("the password of {user}: {}", chain(&error)))
        })?;
        let (client, connection) = tokio_postgres::Config::new()
            .host(address.ip().to_string())
            .port(address.port())
            .user(user)
            .password(password.expose())
            .dbname(database)
            .application_name("jurat catalog scan")
            .ssl_mode(SslMode::Disable)
            .connect_timeout(Duration::from_secs(10))
            .connect(NoTls)
            .await
            .map_err(|error| {
                let what = format!("no session for {user} through {address}");
                Failure::because(Exit::Unreachable, what, &error)
            })?;
        // Its end is noticed at the next statement. Its words are dropped: they may hold a value.
        tokio::spawn(async move { connection.await.is_ok() });
        Ok(client)
    }
}

fn ended(question: &Question<'_>) -> Failure {
    let name = &question.relation.name;
    Failure::new(Exit::Unreachable, format!("the session ended, or took too long, at {name}"))
}

/// The statements that read what is wanted.
fn questions<'c>(
    catalog: &'c Catalog,
    rows: u32,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Question<'c>> {
    let mut questions = Vec::new();
    for relation in subjects::relations(catalog) {
        let columns: Vec<&Column> = subjects::own_columns(relation, catalog)
            .filter(|column| {
                has_text(column) && wanted(&subjects::id(&relation.name, Some(column)))
            })
            .collect();
        for columns in columns.chunks(COLUMNS_MAX) {
            questions.push(Question { relation, columns: columns.to_vec(), rows });
        }
    }
    questions
}

/// Whether detectors can recognize anything in the values.
fn has_text(column: &Column) -> bool {
    match family(column.base_type.as_deref().unwrap_or(&column.data_type)) {
        Family::Text | Family::Document => true,
        Family::Number
        | Family::Date
        | Family::Network
        | Family::Hardware
        | Family::Bytes
        | Family::Uuid
        | Family::Choice
        | Family::Boolean => false,
    }
}

impl Question<'_> {
    fn text(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let name = quoted(&column.name);
                format!("pg_catalog.\"left\"(({name})::pg_catalog.text, {CHARACTERS_MAX})")
            })
            .collect();
        let (schema, name) = (quoted(&self.relation.name.schema), quoted(&self.relation.name.name));
        format!("SELECT {} FROM {schema}.{name} LIMIT {}", columns.join(", "), self.rows)
    }

    fn ids(&self) -> impl Iterator<Item = String> + '_ {
        self.columns.iter().map(|column| subjects::id(&self.relation.name, Some(column)))
    }

    fn refused(&self, code: &str) -> Vec<(String, Sample)> {
        self.ids().map(|id| (id, Sample::Refused { code: code.to_owned() })).collect()
    }

    fn count(&self, answer: &[SimpleQueryMessage], detectors: &Detectors) -> Vec<(String, Sample)> {
        self.ids()
            .enumerate()
            .map(|(place, id)| {
                let mut values = 0_usize;
                let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
                for value in answer.iter().filter_map(row).filter_map(|row| row.get(place)) {
                    values = values.saturating_add(1);
                    for kind in detectors.found(value.as_bytes()) {
                        let count = kinds.entry(kind).or_default();
                        *count = count.saturating_add(1);
                    }
                }
                (id, Sample::Seen { values, kinds })
            })
            .collect()
    }
}

fn row(message: &SimpleQueryMessage) -> Option<&SimpleQueryRow> {
    if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

//! Samples: a few values of each text column are read as a client of a running Jurat, so that each statement is
//! judged and recorded as everybody's. What detectors recognize is counted; no value is kept, printed or logged.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
};

use jurat_core::Detectors;
use jurat_types::{Catalog, Column, Engine, Relation};

use super::{
    names::{Family, family},
    subjects,
    through::{Rows, Session, Unanswered},
};
use crate::{
    config::SecretRef,
    exit::{Exit, Failure, chain},
};

/// How many characters of a value are looked at.
const CHARACTERS_MAX: usize = 4096;
/// How many columns one statement reads, so that an answer has a bound.
const COLUMNS_MAX: usize = 32;

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
    engine: Engine,
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
        let mut session = self.connect(catalog.engine, address, user, database).await?;
        let detectors = Detectors::all();
        let mut samples = Samples::default();
        for question in questions(catalog, self.rows, wanted) {
            samples.statements = samples.statements.saturating_add(1);
            let answer = match session.rows(&question.text()).await {
                Ok(rows) => question.count(&rows, &detectors),
                Err(Unanswered::Refused { code }) => question.refused(&code),
                Err(Unanswered::Ended) => return Err(ended(&question)),
            };
            let refused = answer.iter().any(|(_, sample)| matches!(sample, Sample::Refused { .. }));
            samples.refused = samples.refused.saturating_add(usize::from(refused));
            samples.by_id.extend(answer);
        }
        Ok(Some(samples))
    }

    async fn connect(
        &self,
        engine: Engine,
        address: SocketAddr,
        user: &str,
        database: &str,
    ) -> Result<Session, Failure> {
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
        let login = (user, password.expose().as_str());
        Session::open(engine, address, login, database).await.map_err(|why| {
            let message = format!("no session for {user} through {address}: {why}");
            Failure::new(Exit::Unreachable, message)
        })
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
            let columns = columns.to_vec();
            questions.push(Question { engine: catalog.engine, relation, columns, rows });
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
        let postgres = self.engine.is_postgres();
        let quoted = if postgres { quoted } else { backticked };
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let name = quoted(&column.name);
                if postgres {
                    format!("pg_catalog.\"left\"(({name})::pg_catalog.text, {CHARACTERS_MAX})")
                } else {
                    format!("LEFT({name}, {CHARACTERS_MAX})")
                }
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

    fn count(&self, rows: &Rows, detectors: &Detectors) -> Vec<(String, Sample)> {
        self.ids()
            .enumerate()
            .map(|(place, id)| {
                let mut values = 0_usize;
                let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
                for value in rows.iter().filter_map(|row| row.get(place)?.as_deref()) {
                    values = values.saturating_add(1);
                    for kind in detectors.found(value) {
                        let count = kinds.entry(kind).or_default();
                        *count = count.saturating_add(1);
                    }
                }
                (id, Sample::Seen { values, kinds })
            })
            .collect()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn backticked(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

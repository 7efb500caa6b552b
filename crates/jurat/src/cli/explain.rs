//! `jurat explain`: what would become of a statement. It goes through the same session and the same
//! gate as a client's statement, with the catalog from a file and the record thrown away.

mod batch;
mod print;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jurat_audit::{AuditLog, AuditOptions, SigningKey};
use jurat_core::{
    CatalogIndex, Clock, Database, Explanation, Gate, Limits, Login, MaskKey, SearchPath, Session,
    SystemClock,
};
use jurat_identity::{Users, document::nearest};
use jurat_policy::{PolicyHandle, PolicyOptions};
use jurat_types::{Catalog, Claimed, Engine, Principal, Refusal, Target};
use serde_json::{Value, json};

use super::ConfigOption;
use crate::{
    app,
    exit::{Exit, Failure, chain},
    output::{self, Format, Paint},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigOption,
    /// Policies to use instead of the configuration's; goes with --users
    #[arg(long, value_name = "DIR", requires = "users")]
    policies: Option<PathBuf>,
    /// Users file to use instead of the configuration's; goes with --policies
    #[arg(long, value_name = "FILE", requires = "policies")]
    users: Option<PathBuf>,
    /// Who asks: a name in the users file
    #[arg(long = "as", value_name = "USER")]
    user: String,
    /// The statement, or several
    #[arg(long, value_name = "SQL", required_unless_present = "batch")]
    sql: Option<String>,
    /// Many texts: one JSON object a line, `{"sql": "…"}`; the answers are JSON, a line each
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sql", "format"])]
    batch: Option<PathBuf>,
    /// Which database, where several are configured
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// What exists in the database, as `jurat catalog dump` prints it
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Schemas in which unqualified names are looked up, in order
    /// [default: pg_catalog,public; for MySQL and MariaDB the database itself]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    search_path: Vec<String>,
    /// The application name that the client would claim
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// The purpose that the client would claim
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Exit with 3 when the decision is this one
    #[arg(long, value_enum, value_name = "DECISION")]
    fail_on: Option<FailOn>,
    /// How to print it
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FailOn {
    Deny,
}

/// What judging needs, from the configuration or from flags.
struct Setting {
    policies: PathBuf,
    options: PolicyOptions,
    users: PathBuf,
    target: Target,
    limits: Limits,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut setting = setting(arguments)?;
    let principal = principal(&setting.users, &arguments.user)?;
    let catalog = catalog(arguments)?;
    setting.target.version.clone_from(&catalog.server_version);
    if arguments.policies.is_some() {
        setting.target.engine = catalog.engine;
    }
    let search_path = search_path(arguments, &setting.target);
    let login = Login {
        principal,
        claimed: Claimed {
            application: arguments.application.clone(),
            purpose: arguments.purpose.clone(),
            ..Claimed::default()
        },
        client_addr: "127.0.0.1:0".to_owned(),
        tls: true,
        replication: None,
    };
    let record = tempfile::tempdir()
        .map_err(|error| Failure::other(format!("no temporary directory: {error}")))?;
    let database = Arc::new(Database::new(setting.target.clone()));
    let gate = Arc::new(throw_away_gate(setting, record.path())?);
    let denied = match Session::open(gate, database, login) {
        Ok(mut session) => {
            if let Some(file) = &arguments.batch {
                batch::run(&mut session, file, catalog, &search_path)?
            } else {
                let path = SearchPath::Known(search_path);
                session.set_names(Arc::new(CatalogIndex::new(catalog)), path);
                explain(&mut session, arguments)?
            }
        }
        Err(refusal) => {
            print_refused_session(arguments.format, &refusal)?;
            true
        }
    };
    match arguments.fail_on {
        Some(FailOn::Deny) if denied => Ok(Exit::Findings),
        Some(FailOn::Deny) | None => Ok(Exit::Ok),
    }
}

/// Prints every statement's explanation; tells whether any would be refused.
fn explain(session: &mut Session, arguments: &Arguments) -> Result<bool, Failure> {
    let statements = session.read(arguments.sql.as_deref().unwrap_or_default().as_bytes());
    if statements.is_empty() {
        return Err(Failure::usage("--sql holds no statement"));
    }
    let explanations: Vec<Explanation> =
        statements.iter().map(|judged| session.explain(judged)).collect();
    let denied = explanations.iter().any(|explanation| explanation.outcome.is_err());
    match arguments.format {
        Format::Pretty => {
            for explanation in &explanations {
                output::line(print::Pretty(explanation, Paint::stdout()))?;
            }
            if denied && explanations.len() > 1 {
                output::line("Sent as one message none of them runs, because one is refused.")?;
            }
        }
        Format::Json => {
            let all: Vec<Value> = explanations.iter().map(to_json).collect();
            output::json(&json!({ "statements": all }))?;
        }
    }
    Ok(denied)
}

fn to_json(explanation: &Explanation) -> Value {
    let (sent, refusal) = match &explanation.outcome {
        Ok(text) => (Some(text.as_ref()), None),
        Err(refusal) => (None, Some(refusal)),
    };
    json!({
        "intent": explanation.intent,
        "decision": *explanation.decision,
        "sent": sent,
        "refusal": refusal,
    })
}

fn print_refused_session(format: Format, refusal: &Refusal) -> Result<(), Failure> {
    match format {
        Format::Pretty => output::line(format_args!("session   {}", refusal.message)),
        Format::Json => output::json(&json!({ "statements": [], "session_refusal": refusal })),
    }
}

fn setting(arguments: &Arguments) -> Result<Setting, Failure> {
    if let (Some(policies), Some(users)) = (&arguments.policies, &arguments.users) {
        let name = arguments.database.clone().unwrap_or_else(|| "explained".to_owned());
        return Ok(Setting {
            policies: policies.clone(),
            options: PolicyOptions::default(),
            users: users.clone(),
            target: Target {
                database: name.clone(),
                name,
                engine: Engine::Postgres,
                version: String::new(),
                // The strictest guess: shipped policies are strictest there.
                environment: "production".to_owned(),
                labels: BTreeMap::new(),
                upstream_user: String::new(),
            },
            limits: Limits::default(),
        });
    }
    let config = arguments.config.load()?;
    let database = config.database(arguments.database.as_deref()).map_err(Failure::usage)?;
    Ok(Setting {
        target: app::target(database),
        policies: config.policy.dir,
        options: config.policy.options,
        users: config.users_file,
        limits: config.limits,
    })
}

/// Where unqualified names are looked up.
fn search_path(arguments: &Arguments, target: &Target) -> Vec<String> {
    if !arguments.search_path.is_empty() {
        return arguments.search_path.clone();
    }
    match target.engine {
        Engine::Postgres => vec!["pg_catalog".to_owned(), "public".to_owned()],
        Engine::Mariadb | Engine::Mysql => vec![target.database.clone()],
    }
}

fn principal(file: &Path, name: &str) -> Result<Principal, Failure> {
    let users =
        Users::load(file).map_err(|error| Failure::because(Exit::Usage, "the users", &error))?;
    users.principal(name).cloned().ok_or_else(|| {
        let offer = nearest(name, users.principals().into_keys())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Failure::usage(format!("no user `{name}` in {}{offer}", file.display()))
    })
}

fn catalog(arguments: &Arguments) -> Result<Catalog, Failure> {
    let Some(file) = &arguments.catalog else {
        output::complain(
            "jurat: without --catalog no table is known; `jurat catalog dump` prints one",
        );
        return Ok(Catalog::default());
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

fn throw_away_gate(setting: Setting, record: &Path) -> Result<Gate, Failure> {
    let policy = PolicyHandle::new(setting.policies.clone(), setting.options).map_err(|error| {
        let what = format!("the policies in {} cannot be used", setting.policies.display());
        Failure::because(Exit::Findings, what, &error)
    })?;
    let unusable = |error: &dyn std::error::Error| {
        Failure::other(format!("the temporary record cannot be used: {}", chain(error)))
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let key = SigningKey::generate("explain").map_err(|error| unusable(&error))?;
    let wall_clock = app::wall_clock(Arc::clone(&clock));
    let audit = AuditLog::open(record, key, AuditOptions::default(), wall_clock)
        .map_err(|error| unusable(&error))?;
    Ok(Gate {
        policy: Arc::new(policy),
        audit: Arc::new(audit),
        clock,
        budgets: Arc::new(jurat_core::InMemoryBudgets::default()),
        limits: setting.limits,
        mask_key: MaskKey::new(b"explain"),
        approvals: None,
        labels: BTreeMap::new(),
    })
}

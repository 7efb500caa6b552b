//! `jurat audit`: make a key, verify the record, watch it.

mod line;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jurat_audit::{SigningKey, Verified, VerifyError, VerifyingKey};
use serde_json::json;

use super::ConfigOption;
use crate::{
    exit::{Exit, Failure, chain},
    output::{self, Format},
};

/// How long to wait before a followed log is looked at again.
const FOLLOW: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check that the record is what was signed
    Verify(Verify),
    /// Print the last records
    Tail(Tail),
    /// Make a key that signs the record
    Keygen(Keygen),
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    config: ConfigOption,
    /// Directory of the record; from the configuration where it is left out
    dir: Option<PathBuf>,
    /// File with the public key; from the configuration where it is left out
    #[arg(long, value_name = "FILE", requires = "dir")]
    key: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: only it can show that records were cut off
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Tail {
    #[command(flatten)]
    config: ConfigOption,
    /// Directory of the record; from the configuration where it is left out
    dir: Option<PathBuf>,
    /// How many records
    #[arg(short = 'n', long = "lines", default_value_t = 10)]
    count: usize,
    /// Go on with the records that follow
    #[arg(short, long)]
    follow: bool,
    /// `json` prints the records as they are kept
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Keygen {
    /// Name of the key and of the record that it signs, best one that belongs to you: `db.example.com/audit`
    #[arg(long, default_value = "jurat")]
    name: String,
    /// File for the private key; the public key goes to FILE.pub
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify(arguments),
        Command::Tail(arguments) => tail(arguments),
        Command::Keygen(arguments) => keygen(arguments),
    }
}

fn verify(arguments: &Verify) -> Result<Exit, Failure> {
    let (dir, key) = match (&arguments.dir, &arguments.key) {
        (Some(dir), Some(key)) => (dir.clone(), key.clone()),
        (dir, _) => {
            let audit = arguments.config.load()?.audit;
            let key = audit.public_key_file().ok_or_else(|| {
                Failure::usage("say where the public key is: jurat audit verify DIR --key FILE")
            })?;
            (dir.clone().unwrap_or(audit.dir), key)
        }
    };
    let text = read(&key, "the public key")?;
    let key = VerifyingKey::parse(&text).map_err(|error| {
        Failure::because(Exit::Usage, format!("the public key {}", key.display()), &error)
    })?;
    let outside =
        arguments.checkpoint.as_deref().map(|file| read(file, "the checkpoint")).transpose()?;
    match jurat_audit::verify_against(&dir, &key, outside.as_deref()) {
        Ok(verified) => {
            match arguments.format {
                Format::Json => output::json(&verified_json(&verified))?,
                Format::Pretty => output::line(verified.to_string())?,
            }
            Ok(Exit::Ok)
        }
        Err(error) => {
            if arguments.format == Format::Json {
                output::json(&json!({
                    "ok": false, "record": error.record(), "error": chain(&error),
                }))?;
            }
            let exit = match error {
                VerifyError::Io { .. } => Exit::Usage,
                VerifyError::Checkpoint { .. }
                | VerifyError::Outside { .. }
                | VerifyError::Gap { .. }
                | VerifyError::Record { .. }
                | VerifyError::Missing { .. }
                | VerifyError::Tile { .. }
                | VerifyError::TileEdited { .. }
                | VerifyError::Rewritten { .. }
                | VerifyError::OtherHistory { .. }
                | VerifyError::RolledBack { .. } => Exit::Verification,
            };
            Err(Failure::because(exit, format!("the record in {}", dir.display()), &error))
        }
    }
}

fn verified_json(verified: &Verified) -> serde_json::Value {
    let Verified {
        origin,
        records,
        signed,
        torn_bytes,
        root,
        outside,
        sessions,
        decisions,
        let_through,
        outcomes,
        period,
    } = verified;
    json!({
        "ok": true, "origin": origin, "records": records, "signed": signed,
        "torn_bytes": torn_bytes, "root": root, "outside": outside, "sessions": sessions,
        "decisions": decisions, "let_through": let_through, "outcomes": outcomes,
        "from": period.as_ref().map(|(from, _)| from), "to": period.as_ref().map(|(_, to)| to),
    })
}

fn tail(arguments: &Tail) -> Result<Exit, Failure> {
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => arguments.config.load()?.audit.dir,
    };
    let unreadable =
        |error: jurat_audit::TailError| Failure::because(Exit::Usage, "the record", &error);
    let mut lines = jurat_audit::tail(&dir, arguments.count).map_err(unreadable)?;
    loop {
        for read in lines.by_ref() {
            let read = read.map_err(unreadable)?;
            match (arguments.format, &read.record) {
                (Format::Pretty, Ok(record)) => output::line(line::Line(record))?,
                (Format::Json, Ok(record)) => output::json_line(record)?,
                (_, Err(_)) => output::line(&read.text)?,
            }
        }
        if !arguments.follow {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(FOLLOW);
    }
}

fn keygen(arguments: &Keygen) -> Result<Exit, Failure> {
    let key = SigningKey::generate(&arguments.name)
        .map_err(|error| Failure::because(Exit::Usage, "no key was made", &error))?;
    let mut public = arguments.out.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    create_file(&arguments.out, 0o600, &key.to_text())?;
    create_file(&public, 0o644, &key.verifying_key().to_text())?;
    output::line(format_args!(
        "private key  {}\npublic key   {}",
        arguments.out.display(),
        public.display()
    ))?;
    Ok(Exit::Ok)
}

/// Never over an existing file: a key that is lost takes the proof of its record with it.
pub(crate) fn create_file(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(|error| Failure::usage(format!("{} is not written: {error}", path.display())))
}

fn read(path: &Path, what: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("{what} {} cannot be read: {error}", path.display()))
    })
}

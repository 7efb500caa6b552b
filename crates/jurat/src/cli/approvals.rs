//! `jurat approvals`: what waits for consent, and the answers of a person.
//!
//! The answer goes to the running process over its local socket, with the approver's own token: the process
//! knows who answers, looks at their rights, and records the answer before it counts.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::ConfigOption;
use crate::{
    app::{AdminAction, AdminItem, AdminReply, AdminRequest},
    exit::{Exit, Failure},
    output,
};

/// How often `watch` looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the requests that you may answer, and your own
    List(List),
    /// Show one request: who asks for what, and why
    Show(One),
    /// Say yes to a request
    Approve(Answer),
    /// Say no to a request
    Deny(Answer),
    /// Show requests as they come, until interrupted
    Watch(Connect),
}

#[derive(Debug, clap::Args)]
pub(super) struct Connect {
    #[command(flatten)]
    config: ConfigOption,
    /// File with your token
    #[arg(long, value_name = "FILE", env = "JURAT_APPROVER_TOKEN_FILE")]
    token_file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    connect: Connect,
    /// Also those that are over
    #[arg(long)]
    all: bool,
    /// Print JSON, one request a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    #[command(flatten)]
    connect: Connect,
    /// The request, for example AP-7Q2M4KXD
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    #[command(flatten)]
    connect: Connect,
    /// The request, for example AP-7Q2M4KXD
    id: String,
    /// What to say about it; it is recorded, and the requester is told
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(List { connect, all, json }) => {
            for item in list(connect, !all)? {
                if *json { output::json_line(&item)? } else { output::line(&item.line)? }
            }
            Ok(Exit::Ok)
        }
        Command::Show(One { connect, id, json }) => {
            let reply = connect.ask(AdminAction::Show { id: id.clone() })?;
            let AdminReply::Card { lines, approval } = reply else { return Err(unexpected()) };
            if *json {
                output::json(&approval)?;
            } else {
                lines.iter().try_for_each(output::line)?;
            }
            Ok(Exit::Ok)
        }
        Command::Approve(arguments) => answer(arguments, true),
        Command::Deny(arguments) => answer(arguments, false),
        Command::Watch(connect) => watch(connect),
    }
}

fn list(connect: &Connect, open: bool) -> Result<Vec<AdminItem>, Failure> {
    let reply = connect.ask(AdminAction::List { open })?;
    let AdminReply::List(items) = reply else { return Err(unexpected()) };
    Ok(items)
}

fn answer(Answer { connect, id, reason }: &Answer, yes: bool) -> Result<Exit, Failure> {
    let action = AdminAction::Answer { id: id.clone(), yes, reason: reason.clone() };
    let AdminReply::Answered(item) = connect.ask(action)? else { return Err(unexpected()) };
    output::line(format_args!("{} is {}", item.id, item.state))?;
    Ok(Exit::Ok)
}

fn watch(connect: &Connect) -> Result<Exit, Failure> {
    let mut seen = Vec::new();
    loop {
        let now = list(connect, true)?;
        let lines: Vec<String> = now.into_iter().map(|item| item.line).collect();
        for line in lines.iter().rev().filter(|line| !seen.contains(*line)) {
            output::line(line)?;
        }
        seen = lines;
        std::thread::sleep(LOOK_EVERY);
    }
}

impl Connect {
    /// Asks the running process.
    ///
    /// # Errors
    /// Where it cannot be reached, and what it refuses.
    pub(super) fn ask(&self, action: AdminAction) -> Result<AdminReply, Failure> {
        let config = self.config.load()?;
        let socket = config.approvals.and_then(|approvals| approvals.socket).ok_or_else(|| {
            Failure::usage("the configuration names no `socket` in a section [approvals]")
        })?;
        let token = std::fs::read_to_string(&self.token_file).map_err(|error| {
            Failure::usage(format!("{} cannot be read: {error}", self.token_file.display()))
        })?;
        self::ask(&socket, &token, action)
    }
}

/// Asks the process that listens at a socket, as the owner of a token. The calling thread waits.
///
/// # Errors
/// Where it cannot be reached, and what it refuses.
pub(crate) fn ask(socket: &Path, token: &str, action: AdminAction) -> Result<AdminReply, Failure> {
    let request = AdminRequest { token: token.trim().to_owned(), action };
    let unreachable = |error: std::io::Error| {
        let what = format!("jurat cannot be reached at {}", socket.display());
        Failure::because(Exit::Unreachable, what, &error)
    };
    let mut stream = UnixStream::connect(socket).map_err(unreachable)?;
    let mut line =
        serde_json::to_vec(&request).map_err(|error| Failure::other(error.to_string()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(unreachable)?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).map_err(unreachable)?;
    match serde_json::from_str(&reply) {
        Ok(AdminReply::Refused(why)) => Err(Failure::other(why)),
        Ok(reply) => Ok(reply),
        Err(error) => Err(Failure::because(Exit::Failure, "the answer of jurat", &error)),
    }
}

pub(super) fn unexpected() -> Failure {
    Failure::other("jurat answered something else than was asked")
}

//! `jurat admin`: what the people who look after a running Jurat do to it, over its local socket.

use std::time::Duration;

use jurat_core::{Clock as _, Freeze, SystemClock, card};
use jurat_types::{read_rfc3339, rfc3339};

use super::approvals::{Connect, unexpected};
use crate::{
    app::{AdminAction, AdminReply},
    config::parse_duration,
    exit::{Exit, Failure},
    output,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Stop the writes of a database: policies see it, and those that ship deny them
    Freeze(FreezeArguments),
    /// Let the writes of a database go on
    Unfreeze(One),
    /// List the databases whose writes are stopped
    Frozen(Connect),
}

#[derive(Debug, clap::Args)]
pub(super) struct FreezeArguments {
    #[command(flatten)]
    connect: Connect,
    /// The database, as clients call it
    database: String,
    /// When writes go on by themselves: a span of time (90m, 2h) or a moment (2026-12-01T06:00:00Z); without
    /// it, only `unfreeze` ends it
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Why; everybody whose write is denied is told
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    #[command(flatten)]
    connect: Connect,
    /// The database, as clients call it
    database: String,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Freeze(FreezeArguments { connect, database, until, reason }) => {
            let until_ns = until.as_deref().map(moment).transpose()?;
            let (database, reason) = (database.clone(), reason.clone());
            let action = AdminAction::Freeze { database, reason, until_ns };
            print(&frozen(connect.ask(action)?)?)?;
        }
        Command::Unfreeze(One { connect, database }) => {
            let action = AdminAction::Unfreeze { database: database.clone() };
            let AdminReply::Unfrozen(was) = connect.ask(action)? else { return Err(unexpected()) };
            let what = if was { "goes on" } else { "was not frozen" };
            output::line(format_args!("{database} {what}"))?;
        }
        Command::Frozen(connect) => print(&frozen(connect.ask(AdminAction::Frozen)?)?)?,
    }
    Ok(Exit::Ok)
}

fn frozen(reply: AdminReply) -> Result<Vec<Freeze>, Failure> {
    match reply {
        AdminReply::Frozen(freezes) => Ok(freezes),
        AdminReply::List(_)
        | AdminReply::Card { .. }
        | AdminReply::Answered(_)
        | AdminReply::Unfrozen(_)
        | AdminReply::Refused(_) => Err(unexpected()),
    }
}

fn print(freezes: &[Freeze]) -> Result<(), Failure> {
    freezes.iter().try_for_each(|freeze| {
        let moment = |ns| rfc3339(ns).split('.').next().map(|text| format!("{text}Z"));
        let until = freeze.until_ns.and_then(moment).unwrap_or_else(|| "it is ended".to_owned());
        output::line(format_args!(
            "{} is frozen by {} until {until}: {}",
            card::plain(&freeze.database),
            card::plain(&freeze.by),
            card::plain(&freeze.reason)
        ))
    })
}

/// A span of time from now on, or a moment.
fn moment(text: &str) -> Result<i64, Failure> {
    let from_now =
        |span: Duration| SystemClock.now_ns().checked_add(i64::try_from(span.as_nanos()).ok()?);
    let read = match parse_duration(text) {
        Some(span) => from_now(span),
        None => read_rfc3339(text),
    };
    read.ok_or_else(|| {
        Failure::usage(format!(
            "--until {text} is neither a span of time (90m, 2h) nor a moment in UTC \
             (2026-12-01T06:00:00Z)"
        ))
    })
}

//! The order of the tour. Each step prints one line that begins with its word and ends in what was
//! proved; a step that does not hold prints `FAIL` and the tour goes on.

use std::{future::Future, sync::Arc, time::Duration};

use jurat_audit::AuditLog;

use super::{
    PASSWORD, bounds,
    client::{Client, Protocol},
    files::Files,
    print::Printer,
    record, steps,
    upstream::Served,
};
use crate::exit::Failure;

/// How long one step may take. They take milliseconds.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// What the tour goes through.
#[derive(Debug)]
pub(super) struct Tour<'a> {
    /// The databases, each of which all steps are taken on.
    pub(super) served: &'a [Served],
    pub(super) files: &'a Files,
    pub(super) audit: &'a Arc<AuditLog>,
}

/// What a step has shown.
#[derive(Debug)]
pub(super) struct Proof {
    /// Who did what.
    pub(super) what: String,
    /// What that proved, checked against the database behind Jurat.
    pub(super) proved: String,
    /// What the client got to see.
    pub(super) evidence: Vec<String>,
}

/// A step holds and shows something, or does not hold and says why.
pub(super) type Step = Result<Proof, String>;

/// Everybody's connection, over one protocol.
pub(super) struct Clients {
    pub(super) protocol: Protocol,
    /// The database's name in Jurat.
    pub(super) database: &'static str,
    /// An analyst, through Jurat.
    pub(super) ana: Client,
    /// A database administrator, through Jurat.
    pub(super) dan: Client,
    /// An AI agent that works for ana, through Jurat.
    pub(super) bot: Client,
    /// An AI agent that works for dan and may write, within bounds, through Jurat.
    pub(super) fixer: Client,
    /// An AI agent that works for ana and is asked about from 51 rows on, through Jurat.
    pub(super) clerk: Client,
    /// The shop's owner, past Jurat: what is really there.
    pub(super) behind: Client,
    /// Asks there for one value that differs after any write to the customers.
    pub(super) state: &'static str,
}

impl Tour<'_> {
    /// Goes through every step; tells whether all held.
    ///
    /// # Errors
    /// Only where nothing can be printed.
    pub(super) async fn run(&self, printer: &Printer) -> Result<bool, Failure> {
        let mut held = true;
        for served in self.served {
            held &= self.run_over_one_protocol(served, printer).await?;
        }
        held &= printer.step("RECORD", None, &timed(record::verify(self)).await)?;
        held &= printer.step("RECORD", None, &timed(record::tamper(self)).await)?;
        Ok(held)
    }

    async fn run_over_one_protocol(
        &self,
        served: &Served,
        printer: &Printer,
    ) -> Result<bool, Failure> {
        let over = Some(served.upstream.protocol);
        let clients = match connect(served).await {
            Ok(clients) => clients,
            Err(why) => return printer.step("LOGIN", over, &Err(why)),
        };
        let mut held = printer.step("MASK", over, &timed(steps::mask_rows(&clients)).await)?;
        held &= printer.step("MASK", over, &timed(steps::mask_prepared_join(&clients)).await)?;
        held &= printer.step("ALLOW", over, &timed(steps::allow_report(&clients)).await)?;
        held &= printer.step("ALLOW", over, &timed(steps::allow_one_row(&clients)).await)?;
        held &= printer.step("DENY", over, &timed(steps::deny_drop(&clients)).await)?;
        held &= printer.step("DENY", over, &timed(steps::deny_update_of_all(&clients)).await)?;
        held &= printer.step("DENY", over, &timed(steps::deny_guessing(&clients)).await)?;
        held &= printer.step("STALL", over, &timed(bounds::stall(&clients)).await)?;
        held &= printer.step("APPROVE", over, &timed(bounds::approve(&clients, self)).await)?;
        held &= printer.step("BUDGET", over, &timed(bounds::budget(&clients)).await)?;
        held &= printer.step("FREEZE", over, &timed(bounds::freeze(&clients, self)).await)?;
        held &= printer.step("EXACT", over, &timed(bounds::exact(&clients, self)).await)?;
        printer.gap()?;
        Ok(held)
    }
}

async fn connect(served: &Served) -> Result<Clients, String> {
    let Served { upstream, port } = served;
    let (protocol, database) = (upstream.protocol, upstream.name());
    let through = async |user: &str| {
        Client::connect(protocol, *port, user, PASSWORD, database)
            .await
            .map_err(|error| format!("{user} cannot log in through Jurat: {error}"))
    };
    Ok(Clients {
        protocol,
        database,
        state: upstream.state,
        ana: through("ana").await?,
        dan: through("dan").await?,
        bot: through("bot").await?,
        fixer: through("fixer").await?,
        clerk: through("clerk").await?,
        behind: upstream
            .connect()
            .await
            .map_err(|error| format!("nobody can log in behind Jurat: {error}"))?,
    })
}

/// A step that hangs does not hold.
async fn timed(step: impl Future<Output = Step>) -> Step {
    tokio::time::timeout(STEP_TIMEOUT, Box::pin(step))
        .await
        .unwrap_or_else(|_elapsed| Err(format!("no answer within {STEP_TIMEOUT:?}")))
}

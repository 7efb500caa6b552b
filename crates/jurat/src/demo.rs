//! `jurat demo`: throw-away databases with a shop in them, Jurat in front, and a tour of real client
//! traffic over the protocols of PostgreSQL and MySQL whose every claim is checked against the database behind.

mod bounds;
mod client;
mod cluster;
mod files;
mod mariadb;
mod place;
mod print;
mod programs;
mod record;
mod seed;
mod steps;
mod tour;
mod upstream;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Bound},
    config::Config,
    exit::{Exit, Failure},
    signals::Signals,
};
use files::Files;
use print::Printer;
use tour::Tour;
use upstream::{Served, Upstream};

pub(crate) use upstream::Wanted;

/// The password of everybody in the demo.
const PASSWORD: &str = "demo";
/// How many ports after the wanted one are tried.
const PORTS_TRIED: u16 = 100;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    /// End after the tour.
    pub(crate) exit_after_tour: bool,
    /// The first port that Jurat listens on, or the next free one.
    pub(crate) port_base: u16,
    /// Which databases are behind Jurat.
    pub(crate) upstream: Wanted,
    /// Leave the temporary directory in place.
    pub(crate) keep: bool,
}

/// Runs the demo to its end: after the tour, or at a signal.
///
/// # Errors
/// Where it cannot even begin. A step that does not hold is no error but [`Exit::Failure`].
pub(crate) async fn run(options: &Options) -> Result<Exit, Failure> {
    let signals = Signals::new()?;
    let stop = CancellationToken::new();
    tokio::select! {
        result = Box::pin(show(options, &stop)) => result,
        () = signals.watch(&stop, || ()) => Ok(Exit::Interrupted),
    }
}

/// Everything here is dropped in reverse order, whatever happens: first Jurat, then the server, and
/// last the directory.
async fn show(options: &Options, stop: &CancellationToken) -> Result<Exit, Failure> {
    let printer = Printer::new();
    let mut base = tempfile::Builder::new()
        .prefix("jurat-demo-")
        .tempdir()
        .map_err(|error| Failure::other(format!("no temporary directory: {error}")))?;
    base.disable_cleanup(options.keep);
    let mut served = Vec::new();
    let mut next = options.port_base;
    for upstream in Upstream::start(options.upstream, base.path(), printer).await? {
        let port = free_port(next)?;
        next = port.saturating_add(1);
        served.push(Served { upstream, port });
    }
    let files = Files::write(&base.path().join("jurat"), &served)?;
    let bound = start_jurat(&files.config).await?;
    let audit = bound.audit();
    let ending = CancellationToken::new();
    let serving = tokio::spawn(bound.serve(ending.clone()));
    printer.standing(&served)?;
    let tour = Tour { served: &served, files: &files, audit: &audit };
    let exit = tokio::select! {
        held = tour.run(&printer) => held.map(|held| if held { Exit::Ok } else { Exit::Failure }),
        () = stop.cancelled() => Ok(Exit::Interrupted),
    };
    if matches!(exit, Ok(Exit::Ok | Exit::Failure)) && !options.exit_after_tour {
        printer.staying(&served, &files)?;
        stop.cancelled().await;
    }
    // The record is closed before its directory goes.
    ending.cancel();
    match serving.await {
        Ok(served) => served?,
        Err(error) => return Err(Failure::other(format!("Jurat did not end well: {error}"))),
    }
    let exit = exit?;
    printer.closing(exit, options.keep.then_some(base.path()))?;
    Ok(exit)
}

/// Starts Jurat from a configuration file, as `jurat run` does.
async fn start_jurat(config: &Path) -> Result<Bound, Failure> {
    let config = Config::load(config).map_err(|error| Failure::other(error.to_string()))?;
    App::open(config)?.bind().await
}

/// The first free port from `wanted` on.
fn free_port(wanted: u16) -> Result<u16, Failure> {
    (wanted..=wanted.saturating_add(PORTS_TRIED))
        .find(|port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).is_ok())
        .ok_or_else(|| Failure::other(format!("no port is free from {wanted} on")))
}

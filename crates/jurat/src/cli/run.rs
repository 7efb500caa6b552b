//! `jurat run`: serve until a signal.

use tokio_util::sync::CancellationToken;

use super::ConfigOption;
use crate::{
    app::{App, Bound},
    exit::{Exit, Failure},
    signals::Signals,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigOption,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let file = config.file.display().to_string();
    let runtime = super::runtime()?;
    let result = runtime.block_on(async {
        let signals = Signals::new()?;
        let bound = App::open(config)?.bind().await?;
        for (name, address) in bound.addresses() {
            tracing::info!(listener = name, %address, config = file, "listening");
        }
        if let Some(address) = bound.admin_address() {
            tracing::info!(%address, "the console is served");
        }
        serve(bound, signals).await
    });
    // A thread that waits for the disk must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(bound: Bound, signals: Signals) -> Result<Exit, Failure> {
    let shutdown = CancellationToken::new();
    let reloader = bound.reloader();
    let reload = move || {
        let reloader = reloader.clone();
        // Files are read there; the thread is not waited for.
        drop(tokio::task::spawn_blocking(move || reloader.all()));
    };
    tokio::select! {
        served = bound.serve(shutdown.clone()) => served.map(|()| Exit::Ok),
        () = signals.watch(&shutdown, reload) => Ok(Exit::Interrupted),
    }
}

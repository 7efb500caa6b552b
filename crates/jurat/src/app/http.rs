//! The admin HTTP and webhooks, wired.

use std::{net::SocketAddr, sync::Arc};

use jurat_console::{Console, Hook, HookCounts, Hooks, Options, Secrets, Target, Tokens};
use jurat_core::{Admin, ApprovalStore, Authenticate, Outbox};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{AdminConfig, Config, WebhookConfig, WebhookUrl},
    exit::{Exit, Failure, chain},
};

/// An open socket with what is served there.
#[derive(Debug)]
pub(super) struct Http {
    socket: TcpListener,
    pub(super) address: SocketAddr,
    console: Arc<Console>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Http {
    /// Opens the socket, where one is configured.
    ///
    /// # Errors
    /// Where the address is taken or not ours.
    pub(super) async fn open(
        config: &AdminConfig,
        admin: Arc<Admin>,
        who: (Arc<dyn Authenticate>, Arc<dyn Tokens>),
        hooks: Arc<HookCounts>,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Result<Option<Self>, Failure> {
        let Some(listen) = config.listen else { return Ok(None) };
        let taken = |error: std::io::Error| {
            Failure::other(format!("the admin port cannot listen on {listen}: {error}"))
        };
        let socket = TcpListener::bind(listen).await.map_err(taken)?;
        let address = socket.local_addr().map_err(taken)?;
        // What is on loopback needs no TLS; a reverse proxy stands in front of it, or nothing does.
        let tls = tls.filter(|_| !address.ip().is_loopback());
        let options = Options {
            public_url: config.public_url.clone(),
            tls: tls.is_some(),
            idle_max: config.idle_max,
            login_max: config.login_max,
        };
        let console = Console::new(admin, who, hooks, &options, address)
            .ok_or_else(|| Failure::other("the system gives no randomness"))?;
        Ok(Some(Self { socket, address, console: Arc::new(console), tls }))
    }

    /// Serves until `shutdown`.
    pub(super) async fn serve(self, shutdown: CancellationToken) {
        jurat_console::serve(self.socket, self.console, self.tls, shutdown).await;
    }
}

/// The same certificate for browsers, which speak HTTP.
///
/// # Errors
/// Where it cannot be used.
pub(super) fn load_tls(config: &Config) -> Result<Option<Arc<rustls::ServerConfig>>, Failure> {
    let server = super::listeners::load_tls(config)?;
    Ok(server.map(|server| {
        let mut server = (*server).clone();
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(server)
    }))
}

/// The receivers of webhooks, with their secrets.
///
/// # Errors
/// Where a secret is not there or has another form.
pub(super) fn hooks(
    config: &AdminConfig,
    admin: &Admin,
    counts: Arc<HookCounts>,
) -> Result<Option<Hooks>, Failure> {
    if config.webhooks.is_empty() {
        return Ok(None);
    }
    let Some(approvals) = &admin.gate.approvals else {
        return Err(Failure::usage(
            "there is a [[webhook]] and no section [approvals], so it would have nothing to tell",
        ));
    };
    let hooks = config.webhooks.iter().map(hook).collect::<Result<Vec<_>, _>>()?;
    let mut ca = Vec::new();
    for file in config.webhooks.iter().filter_map(|webhook| webhook.ca.as_ref()) {
        ca.extend(std::fs::read(file).map_err(|error| {
            Failure::usage(format!("{} cannot be read: {error}", file.display()))
        })?);
    }
    let ca = (!ca.is_empty()).then_some(ca);
    let clock = Arc::clone(&admin.gate.clock);
    let outbox: Arc<dyn Outbox> = Arc::<dyn ApprovalStore>::clone(&approvals.store);
    Ok(Some(Hooks { hooks, public_url: config.public_url.clone(), clock, counts, ca, outbox }))
}

fn hook(config: &WebhookConfig) -> Result<Hook, Failure> {
    let what = |part: &str| format!("the {part} of the webhook `{}`", config.name);
    let url = match &config.url {
        WebhookUrl::Text(text) => text.clone(),
        WebhookUrl::Secret(secret) => secret
            .fetch()
            .map_err(|error| Failure::because(Exit::Usage, what("url"), &error))?
            .expose()
            .clone(),
    };
    let target =
        Target::parse(&url).map_err(|error| Failure::because(Exit::Usage, what("url"), &error))?;
    let secrets = config
        .secret
        .as_ref()
        .map(|secret| {
            let text = secret
                .fetch()
                .map_err(|error| Failure::because(Exit::Usage, what("secret"), &error))?;
            Secrets::parse(text.expose())
                .map_err(|error| Failure::because(Exit::Usage, what("secret"), &error))
        })
        .transpose()?;
    Ok(Hook {
        name: config.name.clone(),
        target,
        format: config.format,
        secrets,
        events: config.events.clone(),
    })
}

/// Tells receivers until the process ends.
pub(super) async fn tell(hooks: Hooks, admin: Arc<Admin>) {
    let Some(approvals) = &admin.gate.approvals else { return };
    if let Err(error) = jurat_console::deliver(hooks, approvals.events.subscribe()).await {
        tracing::error!(error = chain(&error), "nothing is told by webhooks");
    }
}

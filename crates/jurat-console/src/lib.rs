//! The admin HTTP: an API, a web console, metrics and webhooks over the core's admin port.
//!
//! Nothing is decided here: [`jurat_core::Admin`] says who may see and do what, and records it. This crate says who
//! somebody is (a password and a cookie for people, a token for programs), and shows what there is.
//!
//! INVARIANT(no-yes-by-link): nothing changes by a GET. Every form has a token of its session, and an answer to a
//! request comes from a form or from the API.

mod api;
mod guests;
mod listen;
mod login;
mod metrics;
mod pages;
mod router;
mod stream;
mod visitor;
mod webhook;

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use jurat_core::{Admin, Authenticate};
use jurat_types::Principal;

use guests::Guests;

pub use listen::serve;
pub use webhook::{
    Format, Hook, HookCounts, HookError, Hooks, Secrets, SecretsError, Target, TargetError, deliver,
};

/// Port: from a bearer token to whose it is, as users are known now.
pub trait Tokens: Send + Sync + fmt::Debug {
    /// Whose token it is; nobody's where it is not known.
    fn principal(&self, token: &str) -> Option<Principal>;
}

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where browsers find the console, for example `https://jurat.example.com`; where nothing is said, the address
    /// that is listened on.
    pub public_url: Option<String>,
    /// Whether this listener speaks TLS itself.
    pub tls: bool,
    /// How long a login lasts without a visit.
    pub idle_max: Duration,
    /// How long a login lasts.
    pub login_max: Duration,
}

/// Everything that requests need.
#[derive(Debug)]
pub struct Console {
    admin: Arc<Admin>,
    people: Arc<dyn Authenticate>,
    tokens: Arc<dyn Tokens>,
    hooks: Arc<HookCounts>,
    guests: Guests,
    /// What a browser may name as the host.
    hosts: Vec<String>,
    /// Whether cookies are for encrypted connections only.
    secure: bool,
    /// Whether metrics are for whoever asks.
    open_metrics: bool,
}

impl Console {
    /// A console that listens at `address`. Nothing where the system gives no randomness.
    pub fn new(
        admin: Arc<Admin>,
        (people, tokens): (Arc<dyn Authenticate>, Arc<dyn Tokens>),
        hooks: Arc<HookCounts>,
        options: &Options,
        address: SocketAddr,
    ) -> Option<Self> {
        let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
        let public = options.public_url.as_deref();
        hosts.extend(
            public
                .and_then(|url| url.split("://").nth(1))
                .map(|host| host.trim_end_matches('/').to_ascii_lowercase()),
        );
        Some(Self {
            people,
            tokens,
            hooks,
            guests: Guests::new(
                Arc::clone(&admin.gate.clock),
                options.idle_max,
                options.login_max,
            )?,
            admin,
            hosts,
            secure: options.tls || public.is_some_and(|url| url.starts_with("https://")),
            open_metrics: address.ip().is_loopback(),
        })
    }
}

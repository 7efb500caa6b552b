//! Webhooks: what becomes of requests for approval, told to other systems, signed per Standard Webhooks.
//!
//! Nothing of a statement waits for them. Each receiver has a queue of its own with a bound, so that one that fails
//! holds up nobody else; what does not fit is counted and left out, because the record has all of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jurat_core::{ApprovalEvent, Clock};
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinSet,
};
use uuid::Uuid;

mod body;
mod send;
mod sign;
mod target;

pub use sign::{Secrets, SecretsError};
pub use target::{Target, TargetError};

use send::Sender;

/// Messages that wait for one receiver.
const QUEUE_MAX: usize = 256;
/// How long is waited before a message is sent once more. A receiver that is gone for longer looks at the API.
const RETRIES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

/// The form of the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Jurat's own.
    Generic,
    /// A message of Slack.
    Slack,
    /// An adaptive card, for Teams.
    Teams,
}

/// One receiver.
#[derive(Debug)]
pub struct Hook {
    /// What the log calls it.
    pub name: String,
    /// Where to.
    pub target: Target,
    /// The form of the body.
    pub format: Format,
    /// What signs; Slack and Teams do not look at signatures.
    pub secrets: Option<Secrets>,
    /// The events that are told; all where the list is empty.
    pub events: Vec<String>,
}

/// Why receivers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The system has no certificates to check receivers with.
    #[error("the system has no certificates to check the receivers of webhooks with")]
    Certificates,
    /// TLS cannot be used.
    #[error("TLS cannot be used for webhooks")]
    Tls(#[from] rustls::Error),
}

/// All receivers.
#[derive(Debug)]
pub struct Hooks {
    /// The receivers.
    pub hooks: Vec<Hook>,
    /// Where people find the console, for links.
    pub public_url: Option<String>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What became of messages.
    pub counts: Arc<HookCounts>,
    /// Further certificates that may sign those of receivers, PEM.
    pub ca: Option<Vec<u8>>,
}

/// What became of messages.
#[derive(Debug, Default)]
pub struct HookCounts {
    delivered: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    waiting: AtomicU64,
}

impl HookCounts {
    /// Delivered, failed for good, left out because too many waited, and waiting now.
    pub(crate) fn now(&self) -> (u64, u64, u64, u64) {
        let [delivered, failed, lost, waiting] =
            [&self.delivered, &self.failed, &self.lost, &self.waiting]
                .map(|count| count.load(Ordering::Relaxed));
        (delivered, failed, lost, waiting)
    }
}

/// A message, as it is sent each time.
#[derive(Debug)]
struct Message {
    /// The same for each try, so that a receiver can tell what it has had.
    id: String,
    body: Vec<u8>,
}

/// Tells receivers what becomes of requests, until the channel closes.
///
/// # Errors
/// Where TLS cannot be used; nothing is told then.
pub async fn deliver(
    hooks: Hooks,
    mut events: broadcast::Receiver<ApprovalEvent>,
) -> Result<(), HookError> {
    let Hooks { hooks, public_url, clock, counts, ca } = hooks;
    let sender = Arc::new(Sender::new(hooks.iter().any(|hook| hook.target.tls), ca.as_deref())?);
    let mut tasks = JoinSet::new();
    let mut queues = Vec::with_capacity(hooks.len());
    for hook in hooks {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let hook = Arc::new(hook);
        queues.push((Arc::clone(&hook), queue));
        let (sender, clock, counts) =
            (Arc::clone(&sender), Arc::clone(&clock), Arc::clone(&counts));
        tasks.spawn(work(hook, waiting, (sender, clock, counts)));
    }
    loop {
        match events.recv().await {
            Ok(event) => {
                for (hook, queue) in &queues {
                    put(hook, queue, &event, (public_url.as_deref(), &counts));
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                counts.lost.fetch_add(missed, Ordering::Relaxed);
                tracing::warn!(missed, "events were too many for webhooks");
            }
            Err(broadcast::error::RecvError::Closed) => break,
        }
    }
    drop(queues);
    while tasks.join_next().await.is_some() {}
    Ok(())
}

fn put(
    hook: &Hook,
    queue: &mpsc::Sender<Message>,
    event: &ApprovalEvent,
    (public_url, counts): (Option<&str>, &HookCounts),
) {
    let name = ["approval.", event.event].concat();
    if !hook.events.is_empty() && !hook.events.contains(&name) {
        return;
    }
    let body = body::body(hook.format, &name, event, public_url);
    let message = Message { id: format!("msg_{}", Uuid::now_v7().simple()), body };
    if queue.try_send(message).is_ok() {
        counts.waiting.fetch_add(1, Ordering::Relaxed);
    } else {
        counts.lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(hook = hook.name, "too many messages wait, one was left out");
    }
}

async fn work(
    hook: Arc<Hook>,
    mut waiting: mpsc::Receiver<Message>,
    (sender, clock, counts): (Arc<Sender>, Arc<dyn Clock>, Arc<HookCounts>),
) {
    while let Some(message) = waiting.recv().await {
        let delivered = attempts(&hook, &message, &sender, &*clock).await;
        let count = if delivered { &counts.delivered } else { &counts.failed };
        count.fetch_add(1, Ordering::Relaxed);
        counts.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends a message until it is taken. Tells whether it was.
async fn attempts(hook: &Hook, message: &Message, sender: &Sender, clock: &dyn Clock) -> bool {
    let mut retries = RETRIES.iter();
    loop {
        // The signature is over the moment of the try, so that an old message cannot be replayed.
        let seconds = clock.now_ns().div_euclid(1_000_000_000);
        let signature =
            hook.secrets.as_ref().map(|secrets| secrets.sign(&message.id, seconds, &message.body));
        let headers = send::Headers { id: &message.id, seconds, signature };
        match sender.send(&hook.target, headers, &message.body).await {
            Ok(()) => return true,
            Err(error) => {
                let next = if error.is_final() { None } else { retries.next() };
                let (name, id) = (&hook.name, &message.id);
                match next {
                    Some(next) => {
                        tracing::warn!(hook = name, id, %error, again_in = ?next, "a webhook failed");
                        tokio::time::sleep(*next).await;
                    }
                    None => {
                        tracing::error!(hook = name, id, %error, "a webhook was given up");
                        return false;
                    }
                }
            }
        }
    }
}

//! Webhooks: what becomes of requests for approval, told to other systems, signed per Standard Webhooks.
//!
//! Nothing of a statement waits for them. Each receiver has a queue of its own with a bound, so that one that fails
//! holds up nobody else; what does not fit is counted and left out, because the record has all of it. The queues are in
//! the store, so that a restart loses nothing of them, and any replica delivers what another one has left.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jurat_core::{ApprovalEvent, Clock, NextMessage, Outbox, Outgoing, StoreError};
use tokio::{
    sync::{Notify, broadcast},
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
/// How long whoever takes a message has for one try. After that it counts as dead, and somebody else tries.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is looked for what another process has left.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long after a failure of the store it is looked again.
const STORE_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long a message waits whose receiver is not configured any more, nanoseconds.
const KEPT_NS: i64 = 7 * 24 * 3_600 * 1_000_000_000;

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
    /// Where messages wait.
    pub outbox: Arc<dyn Outbox>,
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

/// What delivers to one receiver.
struct Worker {
    hook: Arc<Hook>,
    sender: Arc<Sender>,
    clock: Arc<dyn Clock>,
    outbox: Kept,
}

/// The messages that wait, and what became of others.
#[derive(Clone)]
struct Kept {
    outbox: Arc<dyn Outbox>,
    counts: Arc<HookCounts>,
}

/// Tells receivers what becomes of requests, until the channel closes, and what an earlier process has not told.
///
/// # Errors
/// Where TLS cannot be used; nothing is told then.
pub async fn deliver(
    hooks: Hooks,
    mut events: broadcast::Receiver<ApprovalEvent>,
) -> Result<(), HookError> {
    let Hooks { hooks, public_url, clock, counts, ca, outbox } = hooks;
    let sender = Arc::new(Sender::new(hooks.iter().any(|hook| hook.target.tls), ca.as_deref())?);
    let kept = Kept { outbox, counts };
    let mut tasks = JoinSet::new();
    let mut receivers = Vec::with_capacity(hooks.len());
    for hook in hooks {
        let (hook, bell) = (Arc::new(hook), Arc::new(Notify::new()));
        receivers.push((Arc::clone(&hook), Arc::clone(&bell)));
        let (sender, clock) = (Arc::clone(&sender), Arc::clone(&clock));
        let worker = Worker { hook, sender, clock, outbox: kept.clone() };
        tasks.spawn(async move { worker.work(&bell).await });
    }
    loop {
        match events.recv().await {
            Ok(event) => {
                for (hook, bell) in &receivers {
                    put(hook, &event, public_url.as_deref(), &kept).await;
                    bell.notify_one();
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                kept.counts.lost.fetch_add(missed, Ordering::Relaxed);
                tracing::warn!(missed, "events were too many for webhooks");
            }
            Err(broadcast::error::RecvError::Closed) => break,
        }
    }
    // What is not delivered yet is delivered after the next start.
    tasks.shutdown().await;
    Ok(())
}

async fn put(hook: &Hook, event: &ApprovalEvent, public_url: Option<&str>, kept: &Kept) {
    let name = ["approval.", event.event].concat();
    if !hook.events.is_empty() && !hook.events.contains(&name) {
        return;
    }
    let body = body::body(hook.format, &name, event, public_url);
    let message = Outgoing {
        id: format!("msg_{}", Uuid::now_v7().simple()),
        receiver: hook.name.clone(),
        body: String::from_utf8(body).unwrap_or_default(),
        tries: 0,
        due_ns: event.at_ns,
        created_ns: event.at_ns,
    };
    let oldest_ns = event.at_ns.saturating_sub(KEPT_NS);
    let put = kept.step(move |outbox| outbox.put_message(&message, QUEUE_MAX, oldest_ns)).await;
    let why = match put {
        Ok(true) => return,
        Ok(false) => "too many wait".to_owned(),
        Err(error) => error.to_string(),
    };
    kept.counts.lost.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(hook = hook.name, why, "a message was left out");
}

impl Kept {
    /// One step of the store, on a thread that may wait.
    async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Outbox) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Self { outbox, counts } = self.clone();
        let step = move || {
            let done = work(&*outbox)?;
            counts.waiting.store(outbox.messages_waiting()?, Ordering::Relaxed);
            Ok(done)
        };
        let lost = |_lost| Err(StoreError("a task was lost".to_owned()));
        tokio::task::spawn_blocking(step).await.unwrap_or_else(lost)
    }
}

impl Worker {
    /// Delivers what waits, one after the other, until it is dropped.
    async fn work(&self, bell: &Notify) {
        loop {
            let now_ns = self.clock.now_ns();
            let (name, until_ns) = (self.hook.name.clone(), after(now_ns, LEASE));
            let taken = move |outbox: &dyn Outbox| outbox.take_message(&name, now_ns, until_ns);
            let wait = match self.outbox.step(taken).await {
                Ok(NextMessage::Message(message)) => {
                    if let Err(error) = self.attempt(*message).await {
                        tracing::error!(hook = self.hook.name, %error, "a webhook may be sent twice");
                    }
                    continue;
                }
                Ok(NextMessage::At(due_ns)) => {
                    let left = u64::try_from(due_ns.saturating_sub(now_ns)).unwrap_or_default();
                    Duration::from_nanos(left).min(LOOK_EVERY)
                }
                Ok(NextMessage::Nothing) => LOOK_EVERY,
                Err(error) => {
                    tracing::error!(hook = self.hook.name, %error, "what a webhook has to tell is not known");
                    STORE_AGAIN_AFTER
                }
            };
            // Either is a reason to look.
            drop(tokio::time::timeout(wait, bell.notified()).await);
        }
    }

    /// Sends a message once, and keeps it where it was not taken.
    async fn attempt(&self, message: Outgoing) -> Result<(), StoreError> {
        let (hook, now_ns) = (&self.hook, self.clock.now_ns());
        let Outgoing { id, body, tries, .. } = message;
        // The signature is over the moment of the try, so that an old message cannot be replayed.
        let seconds = now_ns.div_euclid(1_000_000_000);
        let body = body.as_bytes();
        let signature = hook.secrets.as_ref().map(|secrets| secrets.sign(&id, seconds, body));
        let headers = send::Headers { id: &id, seconds, signature };
        let counts = &self.outbox.counts;
        match self.sender.send(&hook.target, headers, body).await {
            Ok(()) => {
                counts.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let at = usize::try_from(tries).unwrap_or(usize::MAX);
                let next = if error.is_final() { None } else { RETRIES.get(at) };
                if let Some(next) = next {
                    tracing::warn!(hook = hook.name, id, %error, again_in = ?next, "a webhook failed");
                    let due_ns = after(self.clock.now_ns(), *next);
                    let (id, tries) = (id.clone(), tries.saturating_add(1));
                    return self
                        .outbox
                        .step(move |outbox| outbox.put_off_message(&id, tries, due_ns))
                        .await;
                }
                tracing::error!(hook = hook.name, id, %error, "a webhook was given up");
                counts.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.outbox.step(move |outbox| outbox.remove_message(&id)).await
    }
}

fn after(now_ns: i64, wait: Duration) -> i64 {
    now_ns.saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX))
}

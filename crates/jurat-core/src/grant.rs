//! One request for consent from beginning to end, and the port behind which requests are kept.
//!
//! What may happen to a request is decided here, without a clock and without a store, so that every store
//! does the same: it reads a request, lets this file change it, and writes it back in one transaction.

use std::sync::Arc;

use jurat_types::{ApprovalRequest, Intent, PrincipalKind};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{Freeze, Outbox, Sample};

/// A request for consent to run one statement once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Approval {
    /// What people call it, for example `AP-7Q2M4KXD`.
    pub id: String,
    /// The SHA-256 (hex) of everything that consent is bound to.
    pub digest: String,
    /// Where it stands.
    pub state: State,
    /// The decision that asked for consent.
    pub decision_id: String,
    /// When it was asked, nanoseconds since the Unix epoch.
    pub created_ns: i64,
    /// When the request ends; once it is approved, when the grant ends.
    pub expires_ns: i64,
    /// How long a request lasts, and a grant after it, nanoseconds.
    pub ttl_ns: i64,
    /// What was asked, by whom and where: the policy input.
    pub intent: Intent,
    /// The text that runs what the statement says, where it is another one: an EXECUTE.
    pub runs_by: Option<String>,
    /// Bound values, as a person reads them.
    pub values: Vec<String>,
    /// Rules that want consent. Each needs its own number of approvers.
    pub requests: Vec<ApprovalRequest>,
    /// Further rules that the consent lifts: denials that can be lifted.
    pub lifts: Vec<String>,
    /// The most rows that the statement may change, where that is bound.
    pub max_rows: Option<u64>,
    /// Some of the rows that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Why the requester wants it, in the requester's words.
    pub why: Option<String>,
    /// Who has said yes or no so far.
    pub votes: Vec<Vote>,
    /// The decision that used it.
    pub used_by: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Consent was given and can be used once.
    Approved,
    /// The requester has left or given up.
    Canceled,
    /// An approver said no.
    Denied,
    /// Nobody answered, or nobody used the answer, in time.
    Expired,
    /// Nobody has decided yet, or not enough people have.
    Pending,
    /// Its statement was let through.
    Used,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Canceled => "canceled",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Used => "used",
        }
    }
}

/// One person's answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Vote {
    /// Who.
    pub by: String,
    /// Yes or no.
    pub yes: bool,
    /// The rules for which this person may answer.
    pub rules: Vec<String>,
    /// What was said about it.
    pub reason: Option<String>,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// The way that it came: `cli`, `sql`, `console` or `api`.
    pub via: String,
}

/// Why a vote does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VoteError {
    /// It is decided, used, expired or canceled.
    #[error("it is {} already", .0.as_str())]
    Over(State),
    /// The same person has voted before.
    #[error("the same person has answered before")]
    Twice,
}

impl Approval {
    /// Ends a request or a grant whose time is over. Tells whether it has just ended.
    pub fn age(&mut self, now_ns: i64) -> bool {
        let over = self.is_open() && now_ns >= self.expires_ns;
        if over {
            self.state = State::Expired;
        }
        over
    }

    /// Whether it waits for something.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Pending | State::Approved)
    }

    /// Takes an answer. One no is enough; a yes is enough where every rule has as many as it asks for.
    ///
    /// # Errors
    /// Where the answer does not count; nothing is changed then.
    pub fn vote(&mut self, vote: &Vote) -> Result<(), VoteError> {
        self.age(vote.at_ns);
        if self.state != State::Pending {
            return Err(VoteError::Over(self.state));
        }
        if self.votes.iter().any(|cast| same_person(&cast.by, &vote.by)) {
            return Err(VoteError::Twice);
        }
        self.votes.push(vote.clone());
        if !vote.yes {
            self.state = State::Denied;
        } else if self.has_enough(&self.votes) {
            self.state = State::Approved;
            self.expires_ns = vote.at_ns.saturating_add(self.ttl_ns);
        }
        Ok(())
    }

    /// Whether these votes are what its rules ask for.
    pub fn has_enough(&self, votes: &[Vote]) -> bool {
        self.requests.iter().all(|request| {
            let yes = votes.iter().filter(|vote| vote.yes && vote.rules.contains(&request.id));
            u32::try_from(yes.count()).unwrap_or(u32::MAX) >= request.min.max(1)
        })
    }

    /// Uses the grant. Tells whether it was there to be used.
    pub fn spend(&mut self, digest: &str, decision_id: &str, now_ns: i64) -> bool {
        self.age(now_ns);
        let usable = self.state == State::Approved && self.digest == digest;
        if usable {
            self.state = State::Used;
            self.used_by = Some(decision_id.to_owned());
        }
        usable
    }

    /// Gives a request or a grant up. Tells whether there was one.
    pub fn cancel(&mut self, now_ns: i64) -> bool {
        self.age(now_ns);
        let open = self.is_open();
        if open {
            self.state = State::Canceled;
        }
        open
    }

    /// The rules that consent lifts.
    pub fn rules(&self) -> Vec<String> {
        let mut rules: Vec<String> = self.requests.iter().map(|r| r.id.clone()).collect();
        rules.extend(
            self.lifts.iter().filter(|id| !rules.contains(id)).cloned().collect::<Vec<_>>(),
        );
        rules
    }

    /// Everybody who has a part in the request: nobody of them may approve it.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        let principal = &self.intent.principal;
        [principal.id.as_str()]
            .into_iter()
            .chain(principal.on_behalf_of.as_ref().map(|delegator| delegator.id.as_str()))
            .chain(principal.delegation.iter().map(String::as_str))
    }

    /// Whether the connection may wait for the answer: policy says so, or leaves it open and a person asks.
    pub fn may_be_held(&self) -> bool {
        let asks = |mode: &str| self.requests.iter().any(|request| request.mode == mode);
        !asks("retry") && (asks("hold") || self.intent.principal.kind == PrincipalKind::Person)
    }
}

/// Whether two names are those of one person. Rather once too often: `Bob` may not approve for `bob`.
pub(crate) fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// How many requests may wait.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Of one principal.
    pub per_principal: usize,
    /// In total.
    pub total: usize,
}

/// What a store says to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// It was put there.
    New(Box<Approval>),
    /// There is one with the same digest that is pending, approved, or was denied and has not expired.
    Known(Box<Approval>),
    /// Too many wait already.
    Full {
        /// Whether they are all of the same principal.
        own: bool,
    },
}

/// The right to use a grant for one run of one statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spending {
    /// The request.
    pub id: String,
    /// What the statement that is about to run is bound to.
    pub digest: String,
    /// The decision that lets it through.
    pub decision_id: String,
}

/// A store cannot be used. Nothing that needs consent runs then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the store of approvals cannot be used: {0}")]
pub struct StoreError(pub String);

/// Port: where requests are kept. Calls may wait for the disk. Each is one transaction: it has happened
/// for good when it returns, or not at all.
pub trait ApprovalStore: Outbox {
    /// Puts a request there, unless there is one with the same digest.
    ///
    /// # Errors
    /// Where the store cannot be used; so for all others.
    fn ask(&self, new: &Approval, caps: Caps, now_ns: i64) -> Result<Asked, StoreError>;

    /// The newest request with a digest that is pending, approved, or was denied, and has not expired.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn find(&self, digest: &str, now_ns: i64) -> Result<Option<Approval>, StoreError>;

    /// Changes one request. `change` says whether it is to be written. `None` where there is none with
    /// that id.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn change(
        &self,
        id: &str,
        change: &mut dyn FnMut(&mut Approval) -> bool,
    ) -> Result<Option<Approval>, StoreError>;

    /// Uses grants, all or none. Tells whether they were there to be used.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn spend(&self, spendings: &[Spending], now_ns: i64) -> Result<bool, StoreError>;

    /// One request.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn get(&self, id: &str) -> Result<Option<Approval>, StoreError>;

    /// The newest requests, at most `count`; only those that wait for something, where `open`.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn list(&self, open: bool, count: usize) -> Result<Vec<Approval>, StoreError>;

    /// Ends what is over, and gives back what has just ended.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn expire(&self, now_ns: i64) -> Result<Vec<Approval>, StoreError>;

    /// Rings `bell` (`notify_waiters`) whenever another process may have changed a request. A store that cannot
    /// know that does nothing: whoever waits looks now and then in any case.
    fn ring(&self, bell: Arc<Notify>) {
        drop(bell);
    }

    /// Rings `bell` (`notify_one`) whenever another process may have stopped writes or let them go on. As with
    /// [`Self::ring`], a store may not know.
    fn ring_freezes(&self, bell: Arc<Notify>) {
        drop(bell);
    }

    /// The databases whose writes are stopped, also those whose freeze is over.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn freezes(&self) -> Result<Vec<Freeze>, StoreError>;

    /// Stops the writes of a database, in place of what held for it before.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn freeze(&self, freeze: &Freeze) -> Result<(), StoreError>;

    /// Lets the writes of a database go on. Nothing happens where they do.
    ///
    /// # Errors
    /// See [`Self::ask`].
    fn unfreeze(&self, database: &str) -> Result<(), StoreError>;
}

/// A new id: `AP-` and 40 random bits in Crockford's base 32, which has no letters that look like digits.
/// `None` when the system has no randomness.
pub(crate) fn new_id() -> Option<String> {
    use ring::rand::SecureRandom as _;
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = [0_u8; 8];
    ring::rand::SystemRandom::new().fill(&mut bytes).ok()?;
    let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)));
    Some(["AP-".to_owned(), letters.map(|letter| char::from(*letter)).collect()].concat())
}

/// An id as people type it: in any case, with `O` for `0` and `I` or `L` for `1`.
pub fn read_id(text: &str) -> Option<String> {
    let upper = text.trim().to_uppercase();
    let letters = upper.strip_prefix("AP-")?;
    let read: String = letters
        .chars()
        .map(|letter| match letter {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let plain = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && c != 'U');
    (read.len() == 8 && read.chars().all(plain)).then(|| format!("AP-{read}"))
}

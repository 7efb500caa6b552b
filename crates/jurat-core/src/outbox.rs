//! Messages for receivers of webhooks that were not delivered yet, at rest, so that a restart loses none.

use crate::StoreError;

/// A message on its way to a receiver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outgoing {
    /// The same for each try, so that a receiver can tell what it has had.
    pub id: String,
    /// Whose it is.
    pub receiver: String,
    /// What is sent.
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, nanoseconds since the Unix epoch.
    pub due_ns: i64,
    /// Since when it waits, nanoseconds since the Unix epoch.
    pub created_ns: i64,
}

/// What is next for a receiver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// This one, which nobody else has now.
    Message(Box<Outgoing>),
    /// Nothing before this moment, nanoseconds since the Unix epoch.
    At(i64),
    /// Nothing.
    Nothing,
}

/// Where they wait. As with requests for approval, each step is one transaction that has happened for good. Steps
/// may wait for the disk or the network.
pub trait Outbox: Send + Sync + std::fmt::Debug {
    /// Puts a message there, unless `most` wait for its receiver already. Tells whether it was. What was created
    /// before `oldest_ns` is taken out: its receiver is gone.
    ///
    /// # Errors
    /// Where the store cannot be used; so for all others.
    fn put_message(
        &self,
        message: &Outgoing,
        most: usize,
        oldest_ns: i64,
    ) -> Result<bool, StoreError>;

    /// Takes the oldest message of a receiver, if it is due. Until `until_ns` nobody else gets it, nor one behind it;
    /// whoever took it has then delivered it, put it off, or died.
    ///
    /// # Errors
    /// See [`Self::put_message`].
    fn take_message(&self, receiver: &str, now_ns: i64, until_ns: i64) -> Result<Next, StoreError>;

    /// Puts a message off that was not taken by its receiver.
    ///
    /// # Errors
    /// See [`Self::put_message`].
    fn put_off_message(&self, id: &str, tries: u32, due_ns: i64) -> Result<(), StoreError>;

    /// Takes a message out that was delivered or given up.
    ///
    /// # Errors
    /// See [`Self::put_message`].
    fn remove_message(&self, id: &str) -> Result<(), StoreError>;

    /// How many wait.
    ///
    /// # Errors
    /// See [`Self::put_message`].
    fn messages_waiting(&self) -> Result<u64, StoreError>;
}

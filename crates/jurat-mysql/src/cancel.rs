//! Who may end what: our own numbers of sessions in front of the database's.
//!
//! A client is told a number in the greeting, before there is a connection to a database, and sends it with `KILL`
//! over another connection. The numbers are Jurat's, random, and above those that a server gives, so that one of
//! a server that a client has seen elsewhere (`CONNECTION_ID()`) is not taken for another session's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jurat_core::Waiting;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_util::sync::CancellationToken;

use crate::upstream::UpstreamDatabase;

/// The lowest number that is given. Servers count from 1.
const LOWEST: u32 = 1 << 30;

/// What a client asks to be ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kill {
    /// The number of a session: Jurat's, or the database's own.
    pub(crate) connection: u64,
    /// The session goes on, only what it runs is ended.
    pub(crate) query_only: bool,
}

/// Reads `KILL [CONNECTION | QUERY] number`; nothing for any other text, which is judged as a statement.
pub(crate) fn parse(text: &[u8]) -> Option<Kill> {
    const TEXT_BYTES_MAX: usize = 64;
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let text = text.trim().trim_end_matches(';').trim_end();
    let mut words = text.split_ascii_whitespace();
    if !words.next()?.eq_ignore_ascii_case("kill") {
        return None;
    }
    let (query_only, number) = match (words.next()?, words.next(), words.next()) {
        (number, None, None) => (false, number),
        (word, Some(number), None) if word.eq_ignore_ascii_case("connection") => (false, number),
        (word, Some(number), None) if word.eq_ignore_ascii_case("query") => (true, number),
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let connection = number.parse().ok().filter(|_| digits)?;
    Some(Kill { connection, query_only })
}

/// The sessions of a listener by the number that their clients were told.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<u32, Option<Target>>>,
}

/// A session that can be ended.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) session_id: String,
    /// Whose it is.
    pub(crate) principal: String,
    /// Its database, and the number that it has there.
    pub(crate) database: Arc<UpstreamDatabase>,
    pub(crate) connection: u32,
    /// Ends the session.
    pub(crate) end: CancellationToken,
    /// Whether it waits for consent, and not for the database.
    pub(crate) waiting: Arc<Waiting>,
}

/// Keeps a number; dropping it gives the number back.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    /// What the client is told.
    pub(crate) number: u32,
}

impl Registry {
    /// A number that no other session has; nothing when the system has no randomness.
    pub(crate) fn reserve(self: &Arc<Self>) -> Option<Registration> {
        let random = SystemRandom::new();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut bytes = [0; 4];
            random.fill(&mut bytes).ok()?;
            // Clients print it as a signed number.
            let number = (u32::from_be_bytes(bytes) & 0x7fff_ffff) | LOWEST;
            if let std::collections::hash_map::Entry::Vacant(place) = sessions.entry(number) {
                place.insert(None);
                return Some(Registration { registry: Arc::clone(self), number });
            }
        }
    }

    /// The session that a principal may end under this number: its own ones only.
    pub(crate) fn find(&self, connection: u64, principal: &str) -> Option<Target> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = u32::try_from(connection).ok().and_then(|number| sessions.get(&number));
        let target = match ours {
            Some(target) => target.as_ref(),
            None => sessions.values().flatten().find(|target| {
                u64::from(target.connection) == connection && target.principal == principal
            }),
        };
        target.filter(|target| target.principal == principal).cloned()
    }
}

impl Registration {
    /// The session is over, and the client may begin another one: there is nothing to be ended until then.
    pub(crate) fn clear(&self) {
        let mut sessions = self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(self.number, None);
    }

    /// The session has begun: it can be ended from now on.
    pub(crate) fn set(&self, target: Target) {
        let mut sessions = self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(self.number, Some(target));
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sessions = self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::{Kill, parse};

    #[test]
    fn only_a_plain_kill_is_taken_for_one() {
        let kill = |connection, query_only| Some(Kill { connection, query_only });
        for (text, expected) in [
            ("KILL 7", kill(7, false)),
            ("kill query 7;", kill(7, true)),
            (" KILL\tCONNECTION\n7 ", kill(7, false)),
            ("KILL HARD 7", None),
            ("KILL QUERY ID 7", None),
            ("KILL USER ana", None),
            ("KILL CONNECTION_ID()", None),
            ("KILL +7", None),
            ("KILL 7; DROP TABLE t", None),
            ("KILL /*!50000 QUERY */ 7", None),
            ("SELECT 7", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }
}

//! Who may cancel what: our own keys in front of the database's.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::upstream::{CancelKey, UpstreamDatabase};

/// Wrong keys that one address may send in a period; further requests from there are not looked at.
/// The key of protocol 3.0 has 32 bits, so guessing has to be slow.
const WRONG_KEYS_MAX: u32 = 50;
const PERIOD: Duration = Duration::from_secs(60);

/// Addresses that are told apart in one period; more than these share one count.
const ADDRESSES_MAX: usize = 4_096;

/// How long a key is in a minor version of protocol 3, bytes: since 3.2 it may be longer than 4.
pub(crate) const fn key_bytes(minor: u16) -> usize {
    if minor >= 2 { 32 } else { 4 }
}

/// The running sessions by the process number that their clients were told.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<u32, Entry>>,
    guesses: Mutex<Guesses>,
}

/// What a key cancels.
#[derive(Debug)]
pub(crate) struct Target {
    /// The session that it was given to.
    pub(crate) session_id: String,
    /// Its database.
    pub(crate) database: Arc<UpstreamDatabase>,
    /// The database's own key.
    pub(crate) key: CancelKey,
    /// Whether the session waits for consent, and not for the database.
    pub(crate) waiting: jurat_core::Waiting,
}

/// What became of a request to cancel.
#[derive(Debug)]
pub(crate) enum Found {
    /// The key is that of a session.
    Session(Arc<Target>),
    /// No session has the key. `last` says that the next wrong key from there is not looked at.
    Nobody { last: bool },
    /// Too many wrong keys came from this address.
    TooMany,
}

/// Wrong keys by where they came from.
#[derive(Debug)]
struct Guesses {
    since: Instant,
    wrong: HashMap<IpAddr, u32>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { since: Instant::now(), wrong: HashMap::new() }
    }
}

impl Guesses {
    fn count(&mut self, from: IpAddr) -> &mut u32 {
        if self.since.elapsed() > PERIOD {
            *self = Self::default();
        }
        let shared = IpAddr::from([0, 0, 0, 0]);
        let full = self.wrong.len() >= ADDRESSES_MAX && !self.wrong.contains_key(&from);
        self.wrong.entry(if full { shared } else { from }).or_default()
    }
}

#[derive(Debug)]
struct Entry {
    secret: Vec<u8>,
    target: Arc<Target>,
}

/// Keeps a session cancelable; dropping it makes the key worthless.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    /// What the client is told.
    pub(crate) key: CancelKey,
}

impl Registry {
    /// Makes a key of `key_bytes` that no other session has; `None` when the system has no randomness.
    ///
    /// The process number is the database's own where it is free: clients compare it with
    /// `pg_backend_pid()`, with the sender of a notification and with `pg_stat_activity`. What has to be
    /// guessed is the secret, as with the database itself.
    pub(crate) fn register(
        self: &Arc<Self>,
        target: Arc<Target>,
        key_bytes: usize,
    ) -> Option<Registration> {
        let random = SystemRandom::new();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process_id = target.key.process_id;
        loop {
            // Two databases on different machines may have processes of the same number.
            if process_id == 0 || sessions.contains_key(&process_id) {
                let mut bytes = [0; 4];
                random.fill(&mut bytes).ok()?;
                // Clients print it as a signed number.
                process_id = u32::from_be_bytes(bytes) & 0x7fff_ffff;
                continue;
            }
            let mut secret = vec![0; key_bytes];
            random.fill(&mut secret).ok()?;
            sessions.insert(process_id, Entry { secret: secret.clone(), target });
            let key = CancelKey { process_id, secret };
            return Some(Registration { registry: Arc::clone(self), key });
        }
    }

    /// What a client's key cancels. Keys are compared in constant time.
    pub(crate) fn find(&self, from: IpAddr, key: &CancelKey) -> Found {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = guesses.count(from);
        if *wrong >= WRONG_KEYS_MAX {
            return Found::TooMany;
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = sessions.get(&key.process_id) {
            #[expect(deprecated, reason = "ring offers no other comparison in constant time")]
            let equal = ring::constant_time::verify_slices_are_equal(&entry.secret, &key.secret);
            if equal.is_ok() {
                return Found::Session(Arc::clone(&entry.target));
            }
        }
        *wrong = wrong.saturating_add(1);
        Found::Nobody { last: *wrong == WRONG_KEYS_MAX }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sessions = self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&self.key.process_id);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ADDRESSES_MAX, CancelKey, Found, Registry, WRONG_KEYS_MAX};

    #[test]
    fn wrong_keys_are_counted_by_where_they_come_from() {
        let registry = Registry::default();
        let key = CancelKey { process_id: 1, secret: vec![0; 4] };
        let (guesser, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for number in 1..=WRONG_KEYS_MAX {
            let found = registry.find(guesser, &key);
            let last = number == WRONG_KEYS_MAX;
            assert!(matches!(found, Found::Nobody { last: said } if said == last), "{found:?}");
        }
        assert!(matches!(registry.find(guesser, &key), Found::TooMany));
        assert!(matches!(registry.find(other, &key), Found::Nobody { last: false }));
    }

    #[test]
    fn many_addresses_take_bounded_memory_and_share_a_count() {
        let registry = Registry::default();
        let key = CancelKey { process_id: 1, secret: vec![0; 4] };
        let addresses =
            (0..u32::try_from(2 * ADDRESSES_MAX).unwrap()).map(|n| IpAddr::from(n.to_be_bytes()));
        let found: Vec<Found> = addresses.map(|from| registry.find(from, &key)).collect();
        assert!(matches!(found.last(), Some(Found::TooMany)));
        assert!(registry.guesses.lock().unwrap().wrong.len() <= ADDRESSES_MAX + 1);
    }
}

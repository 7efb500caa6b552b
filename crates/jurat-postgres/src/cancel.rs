//! Who may cancel what: our own keys in front of the database's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::upstream::{CancelKey, UpstreamDatabase};

/// Length of the key of protocol 3.0, bytes.
const KEY_BYTES: usize = 4;

/// The running sessions by the process number that their clients were told.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<u32, Entry>>,
}

#[derive(Debug)]
struct Entry {
    secret: [u8; KEY_BYTES],
    target: Arc<UpstreamDatabase>,
    upstream: CancelKey,
}

/// Keeps a session cancelable; dropping it makes the key worthless.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    /// What the client is told.
    pub(crate) key: CancelKey,
}

impl Registry {
    /// Makes a key that no other session has; `None` when the system has no randomness.
    ///
    /// The process number is the database's own where it is free: clients compare it with
    /// `pg_backend_pid()`, with the sender of a notification and with `pg_stat_activity`. What has to be
    /// guessed is the secret, as with the database itself.
    pub(crate) fn register(
        self: &Arc<Self>,
        target: Arc<UpstreamDatabase>,
        upstream: CancelKey,
    ) -> Option<Registration> {
        let random = SystemRandom::new();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process_id = upstream.process_id;
        loop {
            // Two databases on different machines may have processes of the same number.
            if process_id == 0 || sessions.contains_key(&process_id) {
                let mut bytes = [0; 4];
                random.fill(&mut bytes).ok()?;
                // Clients print it as a signed number.
                process_id = u32::from_be_bytes(bytes) & 0x7fff_ffff;
                continue;
            }
            let mut secret = [0; KEY_BYTES];
            random.fill(&mut secret).ok()?;
            sessions.insert(process_id, Entry { secret, target, upstream });
            let key = CancelKey { process_id, secret: secret.to_vec() };
            return Some(Registration { registry: Arc::clone(self), key });
        }
    }

    /// The database and its own key behind a client's key, compared in constant time.
    pub(crate) fn find(&self, key: &CancelKey) -> Option<(Arc<UpstreamDatabase>, CancelKey)> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = sessions.get(&key.process_id)?;
        #[expect(deprecated, reason = "ring offers no other comparison in constant time")]
        let equal = ring::constant_time::verify_slices_are_equal(&entry.secret, &key.secret);
        equal.is_ok().then(|| (Arc::clone(&entry.target), entry.upstream.clone()))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sessions = self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&self.key.process_id);
    }
}

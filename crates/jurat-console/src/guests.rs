//! Who is logged in to the console, and who may not try again for a while.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jurat_core::Clock;
use ring::{
    digest, hmac,
    rand::{SecureRandom as _, SystemRandom},
};

/// Logins at once, of one person and of all.
const LOGINS_OF_ONE_MAX: usize = 8;
const LOGINS_MAX: usize = 1_000;
/// Wrong passwords or tokens of one address, and for one name, in a period. The second bounds what many addresses can
/// try together; it is larger, because anybody can use it up for somebody else.
const WRONG_FROM_ONE_MAX: u32 = 10;
const WRONG_FOR_ONE_MAX: u32 = 50;
const PERIOD: Duration = Duration::from_secs(300);
/// What is told apart in a period; more than this share one count.
const COUNTED_MAX: usize = 4_096;

/// A login.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// The name in the users file.
    pub(crate) name: String,
    /// What every form of this login has.
    pub(crate) csrf: String,
    /// A digest of what proved who it is, so that another password ends the login.
    proof: [u8; 32],
    since_ns: i64,
    seen_ns: i64,
}

/// All logins. They live as long as the process.
#[derive(Debug)]
pub(crate) struct Guests {
    clock: Arc<dyn Clock>,
    idle_max: Duration,
    login_max: Duration,
    key: hmac::Key,
    logins: Mutex<HashMap<[u8; 32], Guest>>,
    wrong: Mutex<Wrong>,
}

#[derive(Debug)]
struct Wrong {
    since_ns: i64,
    counts: HashMap<String, u32>,
}

impl Guests {
    /// Nobody is logged in. Nothing where the system gives no randomness.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        idle_max: Duration,
        login_max: Duration,
    ) -> Option<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        let wrong = Wrong { since_ns: clock.now_ns(), counts: HashMap::new() };
        Some(Self {
            clock,
            idle_max,
            login_max,
            key,
            logins: Mutex::default(),
            wrong: Mutex::new(wrong),
        })
    }

    /// Lets somebody in, and gives back the secret that the cookie holds. Only its digest is kept.
    pub(crate) fn let_in(&self, name: &str, credential: &str) -> Option<String> {
        let secret = random()?;
        let now_ns = self.clock.now_ns();
        let guest = Guest {
            name: name.to_owned(),
            csrf: random()?,
            proof: sha256(credential),
            since_ns: now_ns,
            seen_ns: now_ns,
        };
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|_, guest| self.is_valid(guest, now_ns));
        let own = logins.iter().filter(|(_, guest)| guest.name == name);
        if own.clone().count() >= LOGINS_OF_ONE_MAX
            && let Some(oldest) = own.min_by_key(|(_, guest)| guest.seen_ns).map(|(key, _)| *key)
        {
            logins.remove(&oldest);
        }
        if logins.len() >= LOGINS_MAX {
            return None;
        }
        logins.insert(sha256(&secret), guest);
        Some(secret)
    }

    /// Whose secret it is. `visits` says that this is a visit and no look by itself, so that the login lasts longer.
    /// `credential` finds what proves now who somebody is.
    pub(crate) fn find(
        &self,
        secret: &str,
        visits: bool,
        credential: impl FnOnce(&str) -> String,
    ) -> Option<Guest> {
        let (key, now_ns) = (sha256(secret), self.clock.now_ns());
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let guest = logins.get_mut(&key)?;
        if !self.is_valid(guest, now_ns) || sha256(&credential(&guest.name)) != guest.proof {
            logins.remove(&key);
            return None;
        }
        if visits {
            guest.seen_ns = now_ns;
        }
        Some(guest.clone())
    }

    pub(crate) fn let_out(&self, secret: &str) {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&sha256(secret));
    }

    fn is_valid(&self, guest: &Guest, now_ns: i64) -> bool {
        since(guest.since_ns, now_ns) < self.login_max
            && since(guest.seen_ns, now_ns) < self.idle_max
    }

    /// Whether so much was wrong that nothing more is looked at for now.
    pub(crate) fn must_wait(&self, from: IpAddr, name: Option<&str>) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.forget(self.clock.now_ns());
        let (from, name) = (wrong.count(place(from)), name.map(|name| wrong.count(named(name))));
        from >= WRONG_FROM_ONE_MAX || name.is_some_and(|count| count >= WRONG_FOR_ONE_MAX)
    }

    pub(crate) fn was_wrong(&self, from: IpAddr, name: Option<&str>) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for key in [Some(place(from)), name.map(named)].into_iter().flatten() {
            let key = wrong.key(key);
            let count = wrong.counts.entry(key).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The last one was not wrong after all.
    pub(crate) fn was_right(&self, from: IpAddr, name: &str) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for key in [place(from), named(name)] {
            let key = wrong.key(key);
            if let Some(count) = wrong.counts.get_mut(&key) {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// A token for a form that nobody is logged in for yet, from the secret of a cookie.
    pub(crate) fn stamp(&self, secret: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, secret.as_bytes()))
    }

    pub(crate) fn is_stamp(&self, secret: &str, stamp: &str) -> bool {
        let stamp = URL_SAFE_NO_PAD.decode(stamp).unwrap_or_default();
        hmac::verify(&self.key, secret.as_bytes(), &stamp).is_ok()
    }
}

impl Wrong {
    /// A new period begins, where the last one is over.
    fn forget(&mut self, now_ns: i64) {
        if since(self.since_ns, now_ns) > PERIOD {
            *self = Self { since_ns: now_ns, counts: HashMap::new() };
        }
    }

    fn count(&self, key: String) -> u32 {
        let key = self.key(key);
        self.counts.get(&key).copied().unwrap_or_default()
    }

    fn key(&self, key: String) -> String {
        let full = self.counts.len() >= COUNTED_MAX && !self.counts.contains_key(&key);
        if full { String::new() } else { key }
    }
}

/// What has passed; nothing where the clock was set back.
fn since(then_ns: i64, now_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(now_ns.saturating_sub(then_ns)).unwrap_or_default())
}

/// Somebody with IPv6 has a network and not an address.
fn place(from: IpAddr) -> String {
    match from {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            Ipv6Addr::from_bits(network).to_string()
        }
    }
}

fn named(name: &str) -> String {
    format!("name {}", name.chars().take(64).collect::<String>())
}

pub(crate) fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn sha256(text: &str) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    sha256(one) == sha256(other)
}

#[cfg(test)]
mod tests {
    use std::{
        net::IpAddr,
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
        time::Duration,
    };

    use jurat_core::Clock;

    use super::{Guests, LOGINS_OF_ONE_MAX, WRONG_FOR_ONE_MAX, WRONG_FROM_ONE_MAX};

    const IDLE: Duration = Duration::from_secs(900);
    const LONG: Duration = Duration::from_secs(3_600);

    /// Goes on when it is told to.
    #[derive(Debug, Default)]
    struct Hand(AtomicI64);

    impl Hand {
        fn advance(&self, by: Duration) {
            self.0.fetch_add(i64::try_from(by.as_nanos()).unwrap(), Ordering::Relaxed);
        }
    }

    impl Clock for Hand {
        fn now_ns(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn guests() -> (Guests, Arc<Hand>) {
        let hand = Arc::new(Hand::default());
        let clock: Arc<dyn Clock> = Arc::<Hand>::clone(&hand);
        (Guests::new(clock, IDLE, LONG).unwrap(), hand)
    }

    fn credential(_name: &str) -> String {
        "verifier".to_owned()
    }

    #[test]
    fn a_login_ends_when_nobody_visits_and_in_any_case() {
        let (guests, hand) = guests();
        let secret = guests.let_in("ana", "verifier").unwrap();
        let stays = guests.let_in("ana", "verifier").unwrap();
        for _ in 0..4 {
            hand.advance(IDLE / 2);
            assert!(guests.find(&stays, true, credential).is_some());
            // A page that looks by itself is no visit.
            guests.find(&secret, false, credential);
        }
        assert!(guests.find(&secret, true, credential).is_none());
        for _ in 0..4 {
            hand.advance(IDLE / 2);
            guests.find(&stays, true, credential);
        }
        assert!(guests.find(&stays, true, credential).is_none(), "an hour is over");
    }

    #[test]
    fn a_login_ends_with_its_password_and_when_there_are_too_many() {
        let (guests, hand) = guests();
        let secret = guests.let_in("ana", "verifier").unwrap();
        assert!(guests.find("", true, credential).is_none());
        assert!(guests.find(&secret, true, |_| "another".to_owned()).is_none());
        assert!(guests.find(&secret, true, credential).is_none(), "it does not come back");
        let first = guests.let_in("ana", "verifier").unwrap();
        for _ in 0..LOGINS_OF_ONE_MAX {
            hand.advance(Duration::from_secs(1));
            guests.let_in("ana", "verifier").unwrap();
        }
        assert!(guests.find(&first, true, credential).is_none());
    }

    #[test]
    fn wrong_passwords_are_counted_by_address_and_by_name() {
        let (guests, hand) = guests();
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for _ in 0..WRONG_FROM_ONE_MAX {
            assert!(!guests.must_wait(address(1), Some("ana")));
            guests.was_wrong(address(1), Some("ana"));
        }
        assert!(guests.must_wait(address(1), Some("bob")));
        assert!(!guests.must_wait(address(2), Some("ana")));
        for number in 0..WRONG_FOR_ONE_MAX {
            guests.was_wrong(address(u8::try_from(number).unwrap() + 100), Some("ana"));
        }
        assert!(guests.must_wait(address(2), Some("ana")));
        assert!(!guests.must_wait(address(2), Some("bob")));
        hand.advance(Duration::from_secs(301));
        assert!(!guests.must_wait(address(1), Some("ana")));
    }

    #[test]
    fn a_stamp_is_for_its_secret_only() {
        let (guests, _hand) = guests();
        let stamp = guests.stamp("one");
        assert!(guests.is_stamp("one", &stamp));
        assert!(!guests.is_stamp("two", &stamp) && !guests.is_stamp("one", ""));
    }
}

//! Ids of sessions and decisions.

use std::cell::Cell;

use ring::rand::{SecureRandom as _, SystemRandom};
use uuid::{Builder, Uuid};

/// How many bytes of randomness are fetched at once. A system call for each id would cost more than
/// everything else about it.
const STOCK: usize = 640;
/// What one UUIDv7 takes besides the time.
const TAKEN: usize = 10;

thread_local! {
    static RANDOM: Cell<([u8; STOCK], usize)> = const { Cell::new(([0; STOCK], 0)) };
}

/// A UUIDv7 (RFC 9562) for the moment `now_ns`, nanoseconds since the Unix epoch.
pub(crate) fn new_id(now_ns: i64) -> String {
    let (mut stock, left) = RANDOM.get();
    let left =
        if left < TAKEN && SystemRandom::new().fill(&mut stock).is_ok() { STOCK } else { left };
    let Some((rest, taken)) = stock.get(..left).and_then(<[u8]>::split_last_chunk::<TAKEN>) else {
        // The system gives no randomness in bulk; this asks for what one id needs, and waits for it.
        return Uuid::now_v7().to_string();
    };
    let millis = u64::try_from(now_ns / 1_000_000).unwrap_or_default();
    let id = Builder::from_unix_timestamp_millis(millis, taken).into_uuid();
    RANDOM.set((stock, rest.len()));
    let mut text = Uuid::encode_buffer();
    id.hyphenated().encode_lower(&mut text).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn ids_are_version_7_of_their_moment_and_never_the_same() {
        let ids: HashSet<String> =
            (0..1000).map(|_| super::new_id(1_795_354_200_123_000_000)).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let id = uuid::Uuid::parse_str(&id).unwrap();
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_timestamp().unwrap().to_unix(), (1_795_354_200, 123_000_000));
        }
    }
}

//! What a database's statements add up to, for metrics: a few atomic additions for each statement, and no
//! name of a principal, a statement or a table.

use std::sync::atomic::{AtomicU64, Ordering};

use jurat_types::{Effect, StatementClass};

/// Classes of statements, with their words.
const CLASSES: [(StatementClass, &str); 8] = [
    (StatementClass::Admin, "admin"),
    (StatementClass::Dcl, "dcl"),
    (StatementClass::Ddl, "ddl"),
    (StatementClass::Read, "read"),
    (StatementClass::Session, "session"),
    (StatementClass::Transaction, "transaction"),
    (StatementClass::Unknown, "unknown"),
    (StatementClass::Write, "write"),
];

/// Effects of decisions, with their words.
const EFFECTS: [(Effect, &str); 4] = [
    (Effect::Allow, "allow"),
    (Effect::Deny, "deny"),
    (Effect::RequireApproval, "require_approval"),
    (Effect::Rewrite, "rewrite"),
];

/// Upper bounds of the histogram, nanoseconds: from a look-up that is remembered to a policy that is slow.
pub const JUDGE_BOUNDS_NS: [u64; 12] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    25_000_000,
    250_000_000,
];

/// What has been judged for one database since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    statements: [[AtomicU64; EFFECTS.len()]; CLASSES.len()],
    buckets: [AtomicU64; JUDGE_BOUNDS_NS.len()],
    judged: AtomicU64,
    judge_ns: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Statements: class, decision, how many; those that there were any of.
    pub statements: Vec<(&'static str, &'static str, u64)>,
    /// How many judgements took at most as long as each of [`JUDGE_BOUNDS_NS`].
    pub buckets: [u64; JUDGE_BOUNDS_NS.len()],
    /// Judgements.
    pub judged: u64,
    /// What they took together, nanoseconds.
    pub judge_ns: u64,
}

impl Counters {
    pub(crate) fn count(&self, class: StatementClass, effect: Effect, judge_ns: u64) {
        let row = CLASSES.iter().zip(&self.statements).find(|((of, _), _)| *of == class);
        let cell = row.and_then(|(_, row)| {
            EFFECTS.iter().zip(row).find(|((of, _), _)| *of == effect).map(|(_, cell)| cell)
        });
        if let Some(cell) = cell {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        let bucket =
            JUDGE_BOUNDS_NS.iter().zip(&self.buckets).find(|(bound, _)| judge_ns <= **bound);
        if let Some((_, bucket)) = bucket {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.judged.fetch_add(1, Ordering::Relaxed);
        self.judge_ns.fetch_add(judge_ns, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Counted {
        let mut counted = Counted {
            judged: self.judged.load(Ordering::Relaxed),
            judge_ns: self.judge_ns.load(Ordering::Relaxed),
            ..Counted::default()
        };
        for ((_, class), row) in CLASSES.iter().zip(&self.statements) {
            for ((_, effect), cell) in EFFECTS.iter().zip(row) {
                let count = cell.load(Ordering::Relaxed);
                if count > 0 {
                    counted.statements.push((class, effect, count));
                }
            }
        }
        let mut sum = 0_u64;
        for (total, bucket) in counted.buckets.iter_mut().zip(&self.buckets) {
            sum = sum.saturating_add(bucket.load(Ordering::Relaxed));
            *total = sum;
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use jurat_types::{Effect, StatementClass};

    use super::Counters;

    #[test]
    fn buckets_hold_what_took_at_most_so_long() {
        let counters = Counters::default();
        for (effect, ns) in
            [(Effect::Allow, 900), (Effect::Allow, 30_000), (Effect::Deny, u64::MAX / 2)]
        {
            counters.count(StatementClass::Read, effect, ns);
        }
        let now = counters.now();
        assert_eq!(now.statements, [("read", "allow", 2), ("read", "deny", 1)]);
        assert_eq!(now.buckets, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(now.judged, 3);
    }
}

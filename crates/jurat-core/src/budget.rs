//! Budgets: how much a principal has done in a window of time, over all of its statements and sessions.
//!
//! [`Budgets`] is a port, so that several replicas can count together. [`InMemory`] counts for one process and
//! forgets when it ends; it takes what was counted elsewhere into account where it is told of it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// What is counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct BudgetKey {
    /// Who.
    pub principal: String,
    /// The name of the database.
    pub database: String,
    /// `rows_affected_per_window`, `statements_per_window` or `protected_values_per_window`.
    pub kind: String,
    /// How long the window is, seconds.
    pub window_seconds: u64,
}

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BudgetError {
    /// There is less left than was asked for.
    #[error("{spent} of {bound} are spent")]
    Spent {
        /// What was taken in the window so far.
        spent: u64,
        /// All that may be taken.
        bound: u64,
    },
    /// What was spent cannot be known, so nothing more may be.
    #[error("budgets cannot be counted: {0}")]
    Unavailable(&'static str),
}

/// Counts what is taken out of budgets.
pub trait Budgets: fmt::Debug + Send + Sync {
    /// Takes `amount` where that keeps what was taken in the window at or below `bound`; all or nothing, at
    /// once for all who ask. An amount of 0 asks whether anything is left.
    ///
    /// # Errors
    /// Where it does not fit, or cannot be counted.
    fn take(
        &self,
        key: &BudgetKey,
        amount: u64,
        bound: u64,
        now_ns: i64,
    ) -> Result<(), BudgetError>;
}

/// A window slides in this many steps. What was taken counts until the step that it was taken in is as old as
/// the window, so up to one step too long and never too short.
const STEPS: i64 = 60;

/// Budgets that are counted at once. Where all are in use, no new one is begun, and who needs one is refused.
const BUDGETS_MAX: usize = 10_000;

/// Budgets of one process.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<HashMap<BudgetKey, Window>>);

#[derive(Debug, Default)]
struct Window {
    /// Step number and what was taken in it, oldest first; at most [`STEPS`] and one.
    steps: Vec<(i64, u64)>,
    /// The same for what other processes have taken.
    elsewhere: Vec<(i64, u64)>,
}

impl Window {
    fn forget_before(&mut self, oldest: i64) {
        self.steps.retain(|(step, _)| *step >= oldest);
        self.elsewhere.retain(|(step, _)| *step >= oldest);
    }

    fn spent(&self) -> u64 {
        let all = self.steps.iter().chain(&self.elsewhere);
        all.fold(0, |sum: u64, (_, taken)| sum.saturating_add(*taken))
    }

    const fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.elsewhere.is_empty()
    }
}

/// What a process has taken out of a budget in one step of its window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Taken {
    /// The number of the step.
    pub step: i64,
    /// All that this process has taken in it.
    pub in_step: u64,
    /// When it counts no longer, nanoseconds since the Unix epoch.
    pub ends_ns: i64,
}

/// How long one step is, nanoseconds.
fn step_ns(window_seconds: u64) -> i64 {
    let window_ns = i64::try_from(window_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    (window_ns / STEPS).max(1)
}

/// The number of the step that a moment is in, and of the oldest one that still counts.
fn steps(window_seconds: u64, now_ns: i64) -> (i64, i64) {
    let step = now_ns.div_euclid(step_ns(window_seconds));
    (step, step.saturating_sub(STEPS))
}

impl InMemory {
    /// As [`Budgets::take`]; gives back what has to be told to other processes, where anything was taken.
    ///
    /// # Errors
    /// Where it does not fit, or cannot be counted.
    pub fn take_and_tell(
        &self,
        key: &BudgetKey,
        amount: u64,
        bound: u64,
        now_ns: i64,
    ) -> Result<Option<Taken>, BudgetError> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !has_room(&mut windows, key, now_ns) {
            return Err(BudgetError::Unavailable("too many are in use"));
        }
        let (step, oldest) = steps(key.window_seconds, now_ns);
        let window = windows.entry(key.clone()).or_default();
        window.forget_before(oldest);
        let spent = window.spent();
        let fits = spent.checked_add(amount).is_some_and(|sum| sum <= bound);
        if !fits || (amount == 0 && spent >= bound) {
            return Err(BudgetError::Spent { spent, bound });
        }
        if amount == 0 {
            return Ok(None);
        }
        // A clock that is set back counts into the newest step, so that nothing is forgotten for it.
        let (step, in_step) = match window.steps.last_mut() {
            Some((newest, taken)) if *newest >= step => {
                *taken = taken.saturating_add(amount);
                (*newest, *taken)
            }
            Some(_) | None => {
                window.steps.push((step, amount));
                (step, amount)
            }
        };
        let last = step.saturating_add(STEPS).saturating_add(1);
        let ends_ns = last.saturating_mul(step_ns(key.window_seconds));
        Ok(Some(Taken { step, in_step, ends_ns }))
    }

    /// Sets what all other processes have taken in one step. Tells whether there was room for it; without, no
    /// new budget may be begun.
    pub fn set_elsewhere(&self, key: &BudgetKey, step: i64, amount: u64, now_ns: i64) -> bool {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if step < steps(key.window_seconds, now_ns).1 {
            return true;
        }
        if !has_room(&mut windows, key, now_ns) {
            return false;
        }
        let window = windows.entry(key.clone()).or_default();
        window.forget_before(steps(key.window_seconds, now_ns).1);
        match window.elsewhere.iter_mut().find(|(known, _)| *known == step) {
            Some((_, known)) => *known = amount,
            None => window.elsewhere.push((step, amount)),
        }
        true
    }

    /// Whether a budget is counted here.
    pub fn knows(&self, key: &BudgetKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }
}

/// Makes room for one more budget where it can.
fn has_room(windows: &mut HashMap<BudgetKey, Window>, key: &BudgetKey, now_ns: i64) -> bool {
    if windows.len() < BUDGETS_MAX || windows.contains_key(key) {
        return true;
    }
    windows.retain(|key, window| {
        window.forget_before(steps(key.window_seconds, now_ns).1);
        !window.is_empty()
    });
    windows.len() < BUDGETS_MAX
}

impl Budgets for InMemory {
    fn take(
        &self,
        key: &BudgetKey,
        amount: u64,
        bound: u64,
        now_ns: i64,
    ) -> Result<(), BudgetError> {
        self.take_and_tell(key, amount, bound, now_ns).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::{BUDGETS_MAX, BudgetError, BudgetKey, Budgets as _, InMemory};

    const MINUTE_NS: i64 = 60_000_000_000;

    fn key(principal: &str) -> BudgetKey {
        BudgetKey {
            principal: principal.to_owned(),
            database: "shop".to_owned(),
            kind: "rows_affected_per_window".to_owned(),
            window_seconds: 3_600,
        }
    }

    #[test]
    fn what_was_taken_counts_for_the_window_and_no_longer() {
        let budgets = InMemory::default();
        let take = |amount, minute| budgets.take(&key("bot"), amount, 10, minute * MINUTE_NS);
        assert_eq!(take(6, 100), Ok(()));
        assert_eq!(take(4, 130), Ok(()));
        assert_eq!(take(1, 159), Err(BudgetError::Spent { spent: 10, bound: 10 }));
        assert_eq!(take(0, 159), Err(BudgetError::Spent { spent: 10, bound: 10 }));
        assert_eq!(take(6, 161), Ok(()), "the first six are older than an hour");
        assert_eq!(take(1, 161), Err(BudgetError::Spent { spent: 10, bound: 10 }));
        assert_eq!(budgets.take(&key("other"), 10, 10, 161 * MINUTE_NS), Ok(()));
        assert!(take(u64::MAX, 161).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_frees_nothing() {
        let budgets = InMemory::default();
        assert_eq!(budgets.take(&key("bot"), 10, 10, 100 * MINUTE_NS), Ok(()));
        assert!(budgets.take(&key("bot"), 1, 10, 5 * MINUTE_NS).is_err());
    }

    #[test]
    fn what_others_have_taken_counts_too_and_leaves_at_the_same_time() {
        let budgets = InMemory::default();
        let at = |minute: i64| minute * MINUTE_NS;
        let told = budgets.take_and_tell(&key("bot"), 3, 10, at(100)).unwrap().unwrap();
        assert_eq!((told.step, told.in_step, told.ends_ns), (100, 3, at(161)));
        let told = budgets.take_and_tell(&key("bot"), 2, 10, at(100)).unwrap().unwrap();
        assert_eq!(told.in_step, 5, "all of the step, so that it may be told twice");
        assert!(budgets.set_elsewhere(&key("bot"), 100, 4, at(101)));
        assert!(budgets.set_elsewhere(&key("bot"), 100, 5, at(101)), "replaced, not added");
        let spent = Err(BudgetError::Spent { spent: 10, bound: 10 });
        assert_eq!(budgets.take(&key("bot"), 1, 10, at(160)), spent);
        assert_eq!(budgets.take(&key("bot"), 10, 10, at(161)), Ok(()));
        assert!(budgets.set_elsewhere(&key("late"), 1, 5, at(200)));
        assert!(!budgets.knows(&key("late")), "what counts no longer is not kept");
    }

    #[test]
    fn memory_is_bounded_and_what_does_not_fit_is_refused() {
        let budgets = InMemory::default();
        for n in 0..BUDGETS_MAX {
            assert_eq!(budgets.take(&key(&n.to_string()), 1, 10, 0), Ok(()));
        }
        assert!(matches!(
            budgets.take(&key("one more"), 1, 10, 0),
            Err(BudgetError::Unavailable(_))
        ));
        assert_eq!(budgets.take(&key("7"), 1, 10, 0), Ok(()), "old ones go on");
        assert_eq!(budgets.take(&key("one more"), 1, 10, 100 * MINUTE_NS), Ok(()));
    }

    #[test]
    fn many_at_once_never_take_more_than_there_is() {
        let budgets = InMemory::default();
        let taken = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if budgets.take(&key("bot"), 3, 1_000, 0).is_ok() {
                            taken.fetch_add(3, std::sync::atomic::Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 999);
    }
}

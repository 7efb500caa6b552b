//! Budgets that replicas count together.
//!
//! Taking out of one never waits, because it happens while a statement is answered: each replica counts in
//! memory what it takes itself and what it has heard that others take, and tells them right afterwards. So
//! none is ever less strict than one that is alone, and what others took in the last moment may be missed:
//! usually some hundredths of a second, at most [`STALE_AFTER`]. A replica that has not reached the store for so
//! long refuses what has a budget.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jurat_core::{BudgetError, BudgetKey, Budgets, Clock, InMemoryBudgets, StoreError, Taken};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use super::link::{self, Link, failed};

/// How old the knowledge of others may be.
const STALE_AFTER: Duration = Duration::from_secs(10);
/// How often it is asked for where nothing is heard.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What is taken within such a time is told at once.
const TOGETHER: Duration = Duration::from_millis(25);
/// Steps of windows that are told at once.
const TOLD_MAX: usize = 1_000;
/// Before every transaction.
const BEGINNING: &str = "0";

/// What all replicas together have taken out of budgets.
#[derive(Debug)]
pub struct SharedBudgets {
    counts: InMemoryBudgets,
    clock: Arc<dyn Clock>,
    bell: Arc<Notify>,
    /// What this replica has taken and not told yet.
    untold: Mutex<HashMap<(BudgetKey, i64), Taken>>,
    heard: Mutex<Heard>,
    /// There was no room for a budget of another replica, so what is not counted here is not known.
    overfull: AtomicBool,
}

/// What is known of others.
#[derive(Debug)]
struct Heard {
    /// When it was asked for last.
    at: Option<Instant>,
    /// Everything that transactions before this one have done was heard.
    since: String,
}

impl SharedBudgets {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            counts: InMemoryBudgets::default(),
            clock,
            bell: Arc::default(),
            untold: Mutex::default(),
            heard: Mutex::new(Heard { at: None, since: BEGINNING.to_owned() }),
            overfull: AtomicBool::new(false),
        }
    }

    /// Rings when there is something to tell or to hear.
    pub(super) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    fn is_stale(&self) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.at.is_none_or(|at| at.elapsed() > STALE_AFTER)
    }

    /// Tells what was taken and hears what others took, in one step.
    ///
    /// # Errors
    /// Where the store cannot be used; what was not told is told next time.
    pub(super) async fn exchange(&self, link: &Link) -> Result<(), StoreError> {
        // What is told is the whole of a step, so that telling it twice does no harm.
        let telling: Vec<((BudgetKey, i64), Taken)> = {
            let untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
            untold.iter().take(TOLD_MAX).map(|(key, taken)| (key.clone(), *taken)).collect()
        };
        let since = self.heard.lock().unwrap_or_else(PoisonError::into_inner).since.clone();
        let (asked_at, now_ns) = (Instant::now(), self.clock.now_ns());
        let (others, next) = link
            .step(async |client| {
                tell(client, link, &telling).await?;
                let heard = hear(client, link, &since, now_ns).await?;
                let over = "DELETE FROM jurat.budgets WHERE ends_ns < $1";
                client.query_typed(over, &[(&now_ns, Type::INT8)]).await.map_err(failed)?;
                Ok(heard)
            })
            .await?;
        let mut fits = true;
        for (key, step, amount) in &others {
            fits &= self.counts.set_elsewhere(key, *step, *amount, now_ns);
        }
        self.told(&telling);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if fits && (since == BEGINNING || !self.overfull.load(Ordering::Relaxed)) {
            self.overfull.store(false, Ordering::Relaxed);
            heard.since = next;
        } else {
            self.overfull.store(true, Ordering::Relaxed);
            BEGINNING.clone_into(&mut heard.since);
        }
        heard.at = Some(asked_at);
        Ok(())
    }

    /// Notes what was told; what was taken since then is told next time.
    fn told(&self, telling: &[((BudgetKey, i64), Taken)]) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, taken) in telling {
            if untold.get(key) == Some(taken) {
                untold.remove(key);
            }
        }
    }
}

impl Budgets for SharedBudgets {
    fn take(
        &self,
        key: &BudgetKey,
        amount: u64,
        bound: u64,
        now_ns: i64,
    ) -> Result<(), BudgetError> {
        if self.is_stale() {
            return Err(BudgetError::Unavailable("the store that replicas share is not reached"));
        }
        if self.overfull.load(Ordering::Relaxed) && !self.counts.knows(key) {
            return Err(BudgetError::Unavailable("too many are in use"));
        }
        if let Some(taken) = self.counts.take_and_tell(key, amount, bound, now_ns)? {
            let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
            untold.insert((key.clone(), taken.step), taken);
            self.bell.notify_one();
        }
        Ok(())
    }
}

/// Exchanges what is taken for as long as both are there.
pub(super) async fn keep_in_step(link: Weak<Link>, budgets: Weak<SharedBudgets>) {
    loop {
        let Some(bell) = budgets.upgrade().map(|budgets| budgets.bell()) else { return };
        // Either way it is time.
        let _rung = timeout(LOOK_EVERY, bell.notified()).await;
        sleep(TOGETHER).await;
        let (Some(link), Some(budgets)) = (link.upgrade(), budgets.upgrade()) else { return };
        let exchange = timeout(STALE_AFTER, budgets.exchange(&link));
        let late = || StoreError("the server does not answer".to_owned());
        if let Err(error) = exchange.await.unwrap_or_else(|_late| Err(late())) {
            tracing::warn!(%error, "what others take out of budgets is not heard now");
            sleep(LOOK_EVERY).await;
        }
    }
}

async fn tell(
    client: &Client,
    link: &Link,
    telling: &[((BudgetKey, i64), Taken)],
) -> Result<(), StoreError> {
    if telling.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&((BudgetKey, i64), Taken)) -> i64| telling.iter().map(of).collect();
    let texts = |of: fn(&BudgetKey) -> &str| telling.iter().map(|((key, _), _)| of(key)).collect();
    let principals: Vec<&str> = texts(|key| &key.principal);
    let databases: Vec<&str> = texts(|key| &key.database);
    let kinds: Vec<&str> = texts(|key| &key.kind);
    let windows: Vec<i64> = column(|((key, _), _)| whole(key.window_seconds));
    let steps: Vec<i64> = column(|((_, step), _)| *step);
    let amounts: Vec<i64> = column(|(_, taken)| whole(taken.in_step));
    let ends: Vec<i64> = column(|(_, taken)| taken.ends_ns);
    let replica = link.replica();
    let values: [(&(dyn ToSql + Sync), Type); 8] = [
        (&replica, Type::TEXT),
        (&principals, Type::TEXT_ARRAY),
        (&databases, Type::TEXT_ARRAY),
        (&kinds, Type::TEXT_ARRAY),
        (&windows, Type::INT8_ARRAY),
        (&steps, Type::INT8_ARRAY),
        (&amounts, Type::INT8_ARRAY),
        (&ends, Type::INT8_ARRAY),
    ];
    let text = "INSERT INTO jurat.budgets \
        (replica, principal, database, kind, window_seconds, step, amount, ends_ns) \
        SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (replica, principal, database, kind, window_seconds, step) \
        DO UPDATE SET amount = excluded.amount, changed = pg_catalog.pg_current_xact_id()";
    client.query_typed(text, &values).await.map_err(failed)?;
    let word = link.word(link::BUDGETS);
    let notify = "SELECT pg_catalog.pg_notify('jurat', $1)";
    client.query_typed(notify, &[(&word, Type::TEXT)]).await.map(drop).map_err(failed)
}

/// What others have taken, for each step that has changed since the transaction `since`; and where to go on
/// from next time.
async fn hear(
    client: &Client,
    link: &Link,
    since: &str,
    now_ns: i64,
) -> Result<(Vec<(BudgetKey, i64, u64)>, String), StoreError> {
    // What is not finished now is seen next time.
    let begins = "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text";
    let begins = client.query_typed(begins, &[]).await.map_err(failed)?;
    let next = begins.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    let next = next.unwrap_or_else(|| since.to_owned());
    let replica = link.replica();
    let rows = client
        .query_typed(
            "SELECT principal, database, kind, window_seconds, step, \
             least(sum(amount), 9223372036854775807)::bigint FROM jurat.budgets \
             WHERE replica <> $1 AND (principal, database, kind, window_seconds, step) IN \
             (SELECT principal, database, kind, window_seconds, step FROM jurat.budgets \
             WHERE replica <> $1 AND changed >= $2::text::xid8 AND ends_ns >= $3) \
             GROUP BY 1, 2, 3, 4, 5",
            &[(&replica, Type::TEXT), (&since, Type::TEXT), (&now_ns, Type::INT8)],
        )
        .await
        .map_err(failed)?;
    Ok((rows.iter().map(taken_elsewhere).collect::<Result<_, _>>()?, next))
}

fn taken_elsewhere(row: &Row) -> Result<(BudgetKey, i64, u64), StoreError> {
    let number = |at| row.try_get::<_, i64>(at).map_err(failed);
    let text = |at| row.try_get::<_, String>(at).map_err(failed);
    let key = BudgetKey {
        principal: text(0)?,
        database: text(1)?,
        kind: text(2)?,
        window_seconds: u64::try_from(number(3)?).unwrap_or_default(),
    };
    Ok((key, number(4)?, u64::try_from(number(5)?).unwrap_or_default()))
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

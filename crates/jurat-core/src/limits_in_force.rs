//! The limits of one decision that bear on one statement, and how its rows are counted.
//!
//! Most statements have none, and cost nothing here. A limit whose number cannot be known before the statement
//! is committed refuses it, unless policy says that it may pass uncounted.

use std::sync::Arc;

use jurat_types::{
    Access, Actual, Catalog, Decision, FunctionClass, Limit, Refusal, RefusalCode, RelationName,
    StatementClass, StatementFacts, Via,
};

use crate::{Approval, Question, refusals, refusals_limits};

pub(crate) mod protected;

use protected::PerRow;

/// The limits of a statement.
#[derive(Clone, Debug)]
pub struct InForce {
    facts: StatementFacts,
    /// The one that nobody can lift.
    rows_affected: Option<Limit>,
    /// The one that consent can lift.
    rows_liftable: Option<Limit>,
    rows_returned: Option<Limit>,
    bytes_returned: Option<Limit>,
    timeout: Option<Limit>,
    budgets: Vec<Limit>,
    /// Budgets of protected values that its rows are taken out of.
    protected: Vec<protected::Bears>,
    counting: Counting,
    /// Why the rows that the statement causes to be changed beyond its own are not known, where there may be any.
    beyond: Option<&'static str>,
    /// The database tells what a transaction has changed in all.
    has_statistics: bool,
    judged_again: bool,
    /// The consent that it runs with, for the judgement of its result.
    approvals: Vec<serde_json::Value>,
    /// The most rows that somebody has consented to, over a limit that can be lifted.
    consented_rows: Option<u64>,
    /// What is asked for where it goes over a limit that can be lifted.
    asks: Option<Arc<(Approval, Option<Question>)>>,
}

/// How the rows that a statement changes are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counting {
    /// It changes none.
    None,
    /// The command tag says how many.
    Tag,
    /// The statistics of the transaction say how many, because the tag speaks of a part of them.
    Statistics,
    /// Nothing says how many before it is committed.
    Never(&'static str),
}

/// The rows of a statement that has run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// By its command tag.
    pub rows: u64,
    /// By the statistics of the transaction, with everything that it has caused; `None` where these were not
    /// read.
    pub in_all: Option<u64>,
}

/// What is done with a row on its way to the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passing {
    /// It goes on.
    Forward,
    /// It is left out, and so are all behind it.
    Truncate,
    /// It is left out, because the statement will be refused once all of them are counted.
    Withhold,
    /// It is one too many: the statement is refused.
    Refuse(Exceeded),
}

/// Which limit what was sent or changed so far exceeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exceeded {
    /// Rows that a write returns: it has changed at least as many.
    Affected,
    /// Bytes of rows.
    Bytes,
    /// Values of protected columns: which of the budgets of these.
    Protected(usize),
    /// Rows.
    Returned,
    /// Time.
    Time,
    /// The database has not said how many rows it changed.
    Uncounted,
}

impl InForce {
    /// The limits of `decision` that bear on a statement; nothing where none does.
    ///
    /// # Errors
    /// A refusal where one does and cannot be kept.
    pub(crate) fn new(
        decision: &Decision,
        facts: &StatementFacts,
        (reads_actual, catalog): (bool, &Catalog),
        protected: Vec<PerRow>,
        decision_id: &str,
    ) -> Result<Option<Self>, Refusal> {
        if decision.limits.is_empty() && !reads_actual {
            return Ok(None);
        }
        let mut counting = counting(facts);
        if counting == Counting::Tag && keeps_changes(facts, catalog) {
            counting = Counting::Never(NO_TRANSACTIONS);
        }
        let writes = counting != Counting::None;
        let judged_again = reads_actual && writes && !matches!(counting, Counting::Never(_));
        // Most limits are on what writes change, and most statements are reads.
        let bears = |limit: &Limit| facts.executes && (writes || !is_on_changes(limit));
        if !judged_again && !decision.limits.iter().any(bears) {
            return Ok(None);
        }
        let mut in_force = Self {
            facts: facts.clone(),
            rows_affected: None,
            rows_liftable: None,
            rows_returned: None,
            bytes_returned: None,
            timeout: None,
            budgets: Vec::new(),
            protected: Vec::new(),
            counting,
            beyond: beyond(facts, catalog),
            has_statistics: catalog.engine.is_postgres(),
            judged_again,
            approvals: Vec::new(),
            consented_rows: None,
            asks: None,
        };
        for limit in decision.limits.iter().filter(|_| facts.executes) {
            in_force.take(limit, decision_id)?;
        }
        in_force.take_protected(protected, decision_id)?;
        Ok(in_force.bears().then_some(in_force))
    }

    /// The same for a statement that runs with consent.
    pub(crate) fn with_approvals(self, approvals: Vec<serde_json::Value>) -> Self {
        Self { approvals, ..self }
    }

    /// The same for a statement that may change so many rows by somebody's consent.
    pub(crate) fn with_consented_rows(self, rows: u64) -> Self {
        Self { consented_rows: Some(rows), ..self }
    }

    /// The same before anybody has consented or was asked.
    pub(crate) fn without_consent(self) -> Self {
        Self { consented_rows: None, asks: None, ..self }
    }

    /// The same for a statement for which consent is asked where it goes over.
    pub(crate) fn asking(self, asks: Approval, sampling: Option<Question>) -> Self {
        Self { asks: Some(Arc::new((asks, sampling))), ..self }
    }

    /// What is asked for where it goes over a limit that can be lifted.
    pub(crate) fn asks(&self) -> Option<&Approval> {
        self.asks.as_deref().map(|(asks, _)| asks)
    }

    /// What the database is asked for the card of that.
    pub(crate) fn sampling(&self) -> Option<&Question> {
        self.asks.as_deref()?.1.as_ref()
    }

    /// The limit on rows that consent can lift.
    pub(crate) fn liftable(&self) -> Option<&Limit> {
        self.rows_liftable.as_ref()
    }

    /// Whether so many rows are more than a limit on them, and than what somebody has consented to.
    pub(crate) fn exceeds(&self, limit: &Limit, rows: u64) -> bool {
        let lifted =
            limit.on_exceed == "approve" && self.consented_rows.is_some_and(|most| rows <= most);
        rows > limit.value && !lifted
    }

    /// The consent that the statement runs with, as policies see it.
    pub(crate) fn approvals(&self) -> &[serde_json::Value] {
        &self.approvals
    }

    fn take(&mut self, limit: &Limit, decision_id: &str) -> Result<(), Refusal> {
        let counts = is_on_changes(limit);
        if counts && self.counting == Counting::None {
            return Ok(());
        }
        if limit.on_exceed == "approve" && limit.kind != "rows_affected" {
            let why = format!(
                "its limit on {} asks for an approval, which only one on rows_affected can",
                limit.kind
            );
            let remedy = "Ask whoever owns the policies for another way";
            let refusal = refusals::not_carried_out(
                RefusalCode::NotSupported,
                &self.facts,
                (&why, remedy),
                decision_id,
            );
            return Err(refusals::by_rule(refusal, Some(&limit.id)));
        }
        let uncounted = match self.counting {
            Counting::Never(why) => Some(why),
            Counting::None | Counting::Statistics | Counting::Tag => {
                self.beyond.filter(|_| limit.cascades)
            }
        };
        if counts && let Some(why) = uncounted {
            return if limit.uncounted {
                Ok(())
            } else {
                Err(refusals_limits::uncounted(Some(limit), &self.facts, why, decision_id))
            };
        }
        if counts && limit.cascades && self.has_statistics {
            self.counting = Counting::Statistics;
        }
        match limit.kind.as_str() {
            "rows_affected" if limit.on_exceed == "approve" => {
                self.rows_liftable = Some(limit.clone());
            }
            protected::KIND => {}
            "rows_affected" => self.rows_affected = Some(limit.clone()),
            "rows_returned" => self.rows_returned = Some(limit.clone()),
            "bytes_returned" => self.bytes_returned = Some(limit.clone()),
            "timeout_ms" => self.timeout = Some(limit.clone()),
            _ => self.budgets.push(limit.clone()),
        }
        Ok(())
    }

    fn bears(&self) -> bool {
        self.bounds_rows()
            || self.rows_returned.is_some()
            || self.bytes_returned.is_some()
            || self.timeout.is_some()
            || self.has_budgets()
            || self.judged_again
    }

    /// What the statement is about to do.
    pub(crate) const fn facts(&self) -> &StatementFacts {
        &self.facts
    }

    /// The limits on the rows that it changes; what nobody can lift speaks first.
    pub(crate) fn rows_affected(&self) -> impl Iterator<Item = &Limit> {
        self.rows_affected.iter().chain(&self.rows_liftable)
    }

    const fn bounds_rows(&self) -> bool {
        self.rows_affected.is_some() || self.rows_liftable.is_some()
    }

    pub(crate) fn budgets(&self) -> &[Limit] {
        &self.budgets
    }

    /// Whether its rows are judged before they are committed.
    pub fn checks_rows(&self) -> bool {
        self.judged_again
            || self.bounds_rows()
            || self.budgets.iter().any(|budget| budget.kind == "rows_affected_per_window")
    }

    /// Whether it may be refused after it has run, so that it must not be committed before.
    pub fn may_be_refused_late(&self) -> bool {
        let copies = self.facts.kind == "copy";
        let denies = |limit: &Option<Limit>| {
            limit.as_ref().is_some_and(|limit| copies || limit.on_exceed == "deny")
        };
        self.checks_rows()
            || denies(&self.rows_returned)
            || denies(&self.bytes_returned)
            || self.counts_protected()
    }

    /// Whether it can be taken back once it has run.
    pub const fn can_be_undone(&self) -> bool {
        matches!(self.counting, Counting::Tag | Counting::Statistics)
    }

    /// Whether it changes rows.
    pub fn writes(&self) -> bool {
        self.counting != Counting::None
    }

    /// Whether the statistics of the transaction are read before and behind it.
    pub fn needs_statistics(&self) -> bool {
        self.counting == Counting::Statistics && self.checks_rows()
    }

    /// Whether what it returns is counted on its way.
    pub fn counts_returned(&self) -> bool {
        self.rows_returned.is_some()
            || self.bytes_returned.is_some()
            || self.counts_protected()
            || (self.bounds_rows() && self.facts.returning)
    }

    /// How long it may run, milliseconds.
    pub fn timeout_ms(&self) -> Option<u64> {
        self.timeout.as_ref().map(|limit| limit.value)
    }

    /// What is done with a row that makes it `rows` rows and `bytes` bytes.
    pub(crate) fn passing(&self, rows: u64, bytes: u64) -> Passing {
        let affected = self.facts.returning && !self.facts.data_modifying_cte;
        if affected
            && let Some(limit) = self.rows_affected().find(|limit| self.exceeds(limit, rows))
        {
            // Whoever is asked is told the exact number.
            let counts_on = limit.on_exceed == "approve" && self.asks.is_some();
            return if counts_on { Passing::Withhold } else { Passing::Refuse(Exceeded::Affected) };
        }
        for (limit, count, exceeded) in [
            (&self.rows_returned, rows, Exceeded::Returned),
            (&self.bytes_returned, bytes, Exceeded::Bytes),
        ] {
            match limit.as_ref().filter(|limit| count > limit.value) {
                // What COPY sends has an end of its own, without which it is not valid.
                Some(limit) if limit.on_exceed == "truncate" && self.facts.kind != "copy" => {
                    return Passing::Truncate;
                }
                Some(_) => return Passing::Refuse(exceeded),
                None => {}
            }
        }
        Passing::Forward
    }

    /// All rows that count; `None` where the statistics are needed and say nothing.
    pub(crate) fn total(&self, counted: Counted) -> Option<u64> {
        if self.counting != Counting::Statistics {
            return Some(counted.rows);
        }
        // The tag of a statement with writes in a WITH clause is about the statement around them.
        let all = counted.in_all?;
        Some(if self.facts.data_modifying_cte { all } else { all.max(counted.rows) })
    }

    /// The same for policies.
    pub(crate) fn actual(&self, counted: Counted) -> Actual {
        if self.facts.data_modifying_cte {
            return Actual { rows: counted.in_all, cascaded: None };
        }
        let cascaded = counted.in_all.map(|all| all.saturating_sub(counted.rows));
        Actual { rows: Some(counted.rows), cascaded }
    }

    /// A limit on the rows that it changes, whichever there is.
    pub(crate) fn rows_limit(&self) -> Option<&Limit> {
        self.rows_affected().next().or_else(|| self.budgets.first())
    }

    /// The limit that was exceeded, by so many rows where it is about rows that were changed.
    pub(crate) fn exceeded(&self, exceeded: Exceeded, rows: u64) -> Option<&Limit> {
        match exceeded {
            Exceeded::Affected => {
                let over = self.rows_affected().find(|limit| self.exceeds(limit, rows));
                over.or_else(|| self.rows_limit())
            }
            Exceeded::Uncounted => self.rows_limit(),
            Exceeded::Bytes => self.bytes_returned.as_ref(),
            Exceeded::Protected(at) => self.protected_at(at),
            Exceeded::Returned => self.rows_returned.as_ref(),
            Exceeded::Time => self.timeout.as_ref(),
        }
    }
}

/// Whether a limit is on rows that are changed.
fn is_on_changes(limit: &Limit) -> bool {
    matches!(limit.kind.as_str(), "rows_affected" | "rows_affected_per_window")
}

const NO_TRANSACTIONS: &str =
    "it writes a table whose storage engine has no transactions, so nothing could be taken back";

/// Whether a statement writes a table whose storage engine takes nothing back. Behind a view it may be any that is
/// named.
fn keeps_changes(facts: &StatementFacts, catalog: &Catalog) -> bool {
    if catalog.without_rollback.is_empty() {
        return false;
    }
    let written = |access: Access| access == Access::Write;
    let through_view = facts.relations.iter().any(|r| written(r.access) && r.kind == "view");
    facts.relations.iter().filter(|r| through_view || written(r.access)).any(|relation| {
        let name = RelationName::new(&*relation.schema, &*relation.name);
        catalog.without_rollback.contains(&name)
    })
}

/// Why nobody knows what a statement changes beyond its own rows.
fn beyond(facts: &StatementFacts, catalog: &Catalog) -> Option<&'static str> {
    let indirect = |via: Via| matches!(via, Via::Cascade | Via::Trigger);
    let any = facts.relations.iter().any(|r| r.access == Access::Write && indirect(r.via));
    (any && !catalog.engine.is_postgres())
        .then_some("the server does not say how many rows foreign keys and triggers change")
}

/// How the rows of a statement are counted. What is not certain to change none is never taken for it.
fn counting(facts: &StatementFacts) -> Counting {
    if !facts.parsed {
        return Counting::Never("it was not understood");
    }
    if !facts.executes || matches!(facts.kind.as_str(), "prepare" | "declare") {
        return Counting::None;
    }
    match facts.kind.as_str() {
        "call" | "do" => return Counting::Never("what a procedure or a block changes is not said"),
        "truncate" => return Counting::Never("TRUNCATE does not say how many rows it removes"),
        "drop_database"
        | "drop_extension"
        | "drop_materialized_view"
        | "drop_owned"
        | "drop_schema"
        | "drop_table" => {
            return Counting::Never("DROP does not say how many rows it removes");
        }
        "alter_event" | "create_event" => {
            return Counting::Never("what an event changes when it runs is not said");
        }
        // Which row is put in the place of which others is not among the rows that come back.
        "replace" if facts.returning => {
            return Counting::Never("REPLACE that returns rows does not say how many it removes");
        }
        "explain" if facts.class == StatementClass::Write => {
            return Counting::Never("EXPLAIN ANALYZE does not say how many rows it changes");
        }
        _ => {}
    }
    let unknown = facts.functions.iter().any(|function| {
        matches!(function.class, FunctionClass::Unknown | FunctionClass::DynamicSql)
    });
    if unknown || facts.dynamic_sql {
        return Counting::Never("it calls a function of which nobody knows what it changes");
    }
    match facts.class {
        StatementClass::Unknown => Counting::Never("it is of no known kind"),
        _ if facts.data_modifying_cte => Counting::Statistics,
        StatementClass::Write => Counting::Tag,
        StatementClass::Ddl if facts.relations.iter().any(|r| r.access == Access::Write) => {
            Counting::Never("a definition that takes rows or values away does not say of how many")
        }
        StatementClass::Admin
        | StatementClass::Dcl
        | StatementClass::Ddl
        | StatementClass::Read
        | StatementClass::Session
        | StatementClass::Transaction => Counting::None,
    }
}

//! One authenticated connection: what it has read, what it was told, and its judgements.

use std::sync::Arc;

use jurat_policy::{PolicySet, Surface};
use jurat_sql::{CatalogIndex, NameContext, SearchPath, SessionEffect, Statement, TemporaryTables};
use jurat_types::{
    Catalog, Claimed, Decision, Effect, Intent, PolicyRef, Principal, Protocol, Refusal,
    RefusalCode, Replication, SessionFacts, SessionRecord, SessionTotals, Stage, StatementClass,
    TimeFacts, VERSION,
};

use crate::{
    Database, Draft, Gate, InForce, JudgedStatement, Preparation, Prepared,
    gate::{Timer, verdict_key},
    ids,
    live::Live,
    prepared::{ReadStatement, Standing, Verdict},
    readings::{Meaning, Readings},
    refusals,
    results::Results,
    shapes::Shapes,
};

mod consent;
mod estimate;
mod judging;
mod result;
mod sample;

use consent::{Asking, Consent};
use judging::require_same_text;

pub use consent::Bound;
pub use result::{Lasts, Over};

/// What is known about a client once it has authenticated.
#[derive(Clone, Debug)]
pub struct Login {
    /// Who it is.
    pub principal: Principal,
    /// What it says about itself.
    pub claimed: Claimed,
    /// Where it connects from.
    pub client_addr: String,
    /// Whether its connection is encrypted.
    pub tls: bool,
    /// Whether it asks for replication.
    pub replication: Option<Replication>,
}

/// One authenticated connection.
#[derive(Debug)]
pub struct Session {
    gate: Arc<Gate>,
    database: Arc<Database>,
    login: Login,
    facts: SessionFacts,
    standing: Arc<Standing>,
    names: NameContext,
    /// What names are resolved against: the snapshot, with the session's own temporary tables.
    catalog: Arc<CatalogIndex>,
    /// The snapshot without them.
    snapshot: Arc<CatalogIndex>,
    temporary: TemporaryTables,
    /// Counts the times that names came to mean something else.
    epoch: u64,
    readings: Readings,
    shapes: Shapes,
    results: Results,
    consent: Consent,
    live: Arc<Live>,
    closed: bool,
}

/// Everything about one judgement, for `jurat explain`.
#[derive(Debug)]
pub struct Explanation {
    /// The policy input.
    pub intent: Intent,
    /// The combined decision.
    pub decision: Arc<Decision>,
    /// The text that would be sent, or what the client would be told.
    pub outcome: Result<Arc<str>, Refusal>,
}

impl Session {
    /// Judges and records a login.
    ///
    /// # Errors
    /// A refusal when policy does not allow the session or it cannot be recorded.
    pub fn open(gate: Arc<Gate>, database: Arc<Database>, login: Login) -> Result<Self, Refusal> {
        let facts = SessionFacts {
            id: ids::new_id(gate.clock.now_ns()),
            client_addr: login.client_addr.clone(),
            tls: login.tls,
            started_ns: gate.clock.now_ns(),
            in_transaction: false,
            read_only: false,
            totals: SessionTotals::default(),
            freeze: None,
            replication: login.replication,
        };
        let standing = Standing {
            principal: login.principal.clone(),
            tls: facts.tls,
            read_only: facts.read_only,
            replication: facts.replication,
        };
        let standing = Arc::new(standing);
        let live = Arc::new(Live::new(facts.id.clone(), &login, &standing, facts.started_ns));
        let snapshot =
            database.catalog().unwrap_or_else(|| Arc::new(CatalogIndex::new(Catalog::default())));
        let mut session = Self {
            standing,
            live,
            catalog: Arc::clone(&snapshot),
            snapshot,
            temporary: TemporaryTables::default(),
            gate,
            database,
            login,
            facts,
            names: NameContext { search_path: SearchPath::Unknown },
            epoch: 0,
            readings: Readings::default(),
            shapes: Shapes::default(),
            results: Results::default(),
            consent: Consent::default(),
            closed: true,
        };
        let policy = session.gate.policy.current();
        let intent = session.intent(Stage::Session, &policy);
        let decision = policy.judge(&intent, &Surface::default());
        match decision.effect {
            Effect::Allow => {
                session.record("opened", None)?;
                session.closed = false;
                session.database.live.add(&session.live);
                Ok(session)
            }
            Effect::Rewrite | Effect::RequireApproval | Effect::Deny => {
                let why = decision
                    .reasons
                    .first()
                    .map_or_else(|| "no policy allows it".to_owned(), |reason| reason.msg.clone());
                session.record("refused", Some(why.clone()))?;
                Err(refusals::plain(
                    RefusalCode::AuthenticationFailed,
                    format!(
                        "jurat refused the session of {} on {}: {why} [id {}]",
                        session.login.principal.id, session.database.target.name, intent.request_id
                    ),
                    None,
                ))
            }
        }
    }

    /// The session's own id.
    pub fn id(&self) -> &str {
        &self.facts.id
    }

    /// What people who look at sessions see of it.
    pub const fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Whose it is.
    pub const fn principal(&self) -> &Principal {
        &self.login.principal
    }

    /// Where its client connects from.
    pub fn client_addr(&self) -> &str {
        &self.facts.client_addr
    }

    /// The gate that it passes.
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The database that it is connected to.
    pub const fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// The catalog that names are resolved against.
    pub fn catalog(&self) -> Arc<CatalogIndex> {
        Arc::clone(&self.catalog)
    }

    /// The catalog without what [`Self::set_temporary`] has put in front of it.
    pub fn snapshot(&self) -> Arc<CatalogIndex> {
        Arc::clone(&self.snapshot)
    }

    /// Takes a new catalog snapshot and the schemas in which unqualified names are looked up.
    pub fn set_names(&mut self, catalog: Arc<CatalogIndex>, search_path: SearchPath) {
        let names = NameContext { search_path };
        if !Arc::ptr_eq(&self.snapshot, &catalog) || self.names != names {
            self.names = names;
            self.take_snapshot(catalog);
        }
    }

    /// Takes the newest snapshot that any session of the database has read.
    pub fn adopt_shared_catalog(&mut self) {
        if let Some(shared) = self.database.catalog()
            && !Arc::ptr_eq(&shared, &self.snapshot)
        {
            self.take_snapshot(shared);
        }
    }

    /// The temporary tables that the session has, of MySQL or MariaDB: the catalog of PostgreSQL lists them itself.
    pub const fn temporary(&self) -> &TemporaryTables {
        &self.temporary
    }

    /// Takes the temporary tables that the session has from now on.
    pub fn set_temporary(&mut self, tables: TemporaryTables) {
        self.temporary = tables;
        self.take_snapshot(self.snapshot());
    }

    fn take_snapshot(&mut self, snapshot: Arc<CatalogIndex>) {
        self.catalog = if self.temporary.is_empty() {
            Arc::clone(&snapshot)
        } else {
            Arc::new(snapshot.with_temporary(self.temporary.clone()))
        };
        self.snapshot = snapshot;
        self.names_changed();
    }

    /// From now on an unqualified name means nothing, because where it is looked up is not known.
    pub fn forget_search_path(&mut self) {
        if !matches!(self.names.search_path, SearchPath::Unknown) {
            self.names = NameContext { search_path: SearchPath::Unknown };
            self.names_changed();
        }
    }

    #[cfg(test)]
    pub(crate) const fn results(&self) -> &Results {
        &self.results
    }

    fn names_changed(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
        self.readings = Readings::default();
        self.shapes.forget();
        self.results.forget();
    }

    /// Whether the database reported an open transaction block.
    pub fn set_in_transaction(&mut self, in_transaction: bool) {
        self.facts.in_transaction = in_transaction;
        self.live.set_in_transaction(in_transaction);
    }

    /// Adds rows to the running totals.
    pub fn count_rows(&mut self, read: u64, written: u64) {
        let totals = &mut self.facts.totals;
        totals.rows_read = totals.rows_read.saturating_add(read);
        totals.rows_written = totals.rows_written.saturating_add(written);
        self.live.set_totals(totals);
    }

    /// Reads a text, or remembers what was read. The list is empty for white space and comments.
    pub fn read(&mut self, text: &[u8]) -> Arc<[Arc<JudgedStatement>]> {
        let meaning =
            Meaning { names: &self.names, catalog: &self.catalog, limits: &self.gate.limits };
        self.readings.read(text, meaning, || self.database.readings(meaning))
    }

    /// Judges every statement of a message before any is sent; one refusal refuses the message.
    /// `bound` finds what an EXECUTE or FETCH names.
    ///
    /// # Errors
    /// What the client is told.
    pub fn judge_message(
        &mut self,
        statements: &[Arc<JudgedStatement>],
        bound: impl Fn(&SessionEffect) -> Option<Prepared>,
    ) -> Result<Vec<Draft>, Refusal> {
        let mut drafts = Vec::with_capacity(statements.len());
        let mut names_changed = false;
        let mut bindings_changed = false;
        for judged in statements {
            let depends = (names_changed && depends_on_names(judged))
                || (bindings_changed && judged.looks_up().is_some());
            if depends {
                return Err(self.refuse(judged, RefusalCode::NotSupported, NAMES_CHANGED));
            }
            names_changed |= changes_names(judged.statement().effect());
            bindings_changed |= changes_bindings(judged.statement().effect());
            drafts.push(match judged.looks_up() {
                Some(effect) => self.judge_bound(judged, bound(effect).as_ref(), None)?,
                None => self.judge_own(judged)?,
            });
        }
        Ok(drafts)
    }

    /// Judges a text that is to be prepared. Nothing is recorded unless it is refused, because
    /// nothing runs yet: each run is judged and recorded by [`Self::judge_prepared`].
    ///
    /// # Errors
    /// What the client is told.
    pub fn prepare(
        &mut self,
        source: &[u8],
        judged: &Arc<JudgedStatement>,
    ) -> Result<(Prepared, Preparation), Refusal> {
        let timer = Timer::start();
        if judged.looks_up().is_some()
            && let Statement::Parsed(parsed) = judged.statement()
        {
            // What the name stands for is judged when it runs.
            let text: Arc<str> = Arc::from(parsed.text());
            let prepared = self.prepared(source, judged, &text);
            return Ok((prepared, Preparation::new(text)));
        }
        if let Some(verdict) = self.recall(judged, Protocol::Extended, false)
            && let (Ok(text), Effect::Allow | Effect::Rewrite) =
                (&verdict.permitted, verdict.decision.effect)
        {
            return Ok(self.preparation((source, judged), &verdict, text, false));
        }
        let (intent, mut verdict) = self.verdict(judged, Protocol::Extended, false);
        let keeps_values = self.text_with_consent(&mut verdict, judged, &intent.request_id);
        match &verdict.permitted {
            Ok(text) => Ok(self.preparation((source, judged), &verdict, text, keeps_values)),
            Err(_) => Err(self.finish_refused(intent, &verdict, judged, timer)),
        }
    }

    fn preparation(
        &self,
        (source, judged): (&[u8], &Arc<JudgedStatement>),
        verdict: &Verdict,
        text: &Arc<str>,
        keeps_values: bool,
    ) -> (Prepared, Preparation) {
        let mut prepared = self.prepared(source, judged, text);
        let lifts = |limits: &Arc<InForce>| limits.liftable().is_some();
        let keeps_values = keeps_values
            || verdict.in_force.as_ref().is_some_and(lifts)
            || crate::estimate::wanted(&verdict.decision).is_some();
        prepared.consent = keeps_values.then(Box::default);
        (prepared, Preparation::new(Arc::clone(text)))
    }

    /// Judges and records one run of a prepared statement. `bound` is what an EXECUTE or FETCH names.
    ///
    /// # Errors
    /// What the client is told; [`RefusalCode::PreparedStale`] when the policies now ask for another
    /// text than the one that was prepared.
    pub fn judge_prepared(
        &mut self,
        prepared: &Prepared,
        bound: Option<&Prepared>,
    ) -> Result<Draft, Refusal> {
        let prepared = &self.up_to_date(prepared);
        if prepared.looks_up().is_some() {
            return self.judge_bound(&prepared.judged, bound, Some(&prepared.sent));
        }
        let timer = Timer::start();
        let protocol = if prepared.by_name { Protocol::Prepared } else { Protocol::Extended };
        let recalled = self.recall(&prepared.judged, protocol, prepared.by_name);
        if let Some(verdict) = recalled
            && verdict.permitted.as_ref().is_ok_and(|text| *text == prepared.sent)
            && let Some(result) =
                self.run_again(&verdict, &prepared.judged, prepared.by_name, timer)
        {
            return result;
        }
        let (mut intent, mut verdict) = self.verdict(&prepared.judged, protocol, prepared.by_name);
        let asking = Asking::run(prepared);
        if !self.seek_estimate(&mut intent, &mut verdict, &asking) {
            self.seek_consent(&mut intent, &mut verdict, &asking);
        }
        require_same_text(&mut verdict, prepared, &intent.request_id);
        self.finish(intent, &verdict, &prepared.judged, None, timer)
    }

    /// Judges and records a call of a function by its number. The text of the permit only stands for the
    /// call: the message itself is what is sent.
    ///
    /// # Errors
    /// What the client is told.
    pub fn judge_function_call(&mut self, oid: u32, arguments: usize) -> Result<Draft, Refusal> {
        let timer = Timer::start();
        let statement = jurat_sql::function_call(oid, arguments, &self.catalog);
        let judged = Arc::new(JudgedStatement::new(Arc::new(ReadStatement::new(statement))));
        let (intent, verdict) = self.verdict(&judged, Protocol::FunctionCall, false);
        self.finish(intent, &verdict, &judged, None, timer)
    }

    /// What a PREPARE or DECLARE that was just sent puts under its name.
    pub fn declared(&self, judged: &Arc<JudgedStatement>, sent: Arc<str>) -> Prepared {
        Prepared::declared(Arc::clone(judged), sent, self.epoch)
    }

    /// Whether limits bear on any of the statements so that it may have to be taken back. Nothing is recorded.
    pub fn may_be_refused_late(&self, statements: &[Arc<JudgedStatement>]) -> bool {
        self.any_limits(statements, InForce::may_be_refused_late)
    }

    /// Whether the statistics of the transaction are read around any of the statements. Nothing is recorded.
    pub fn needs_statistics(&self, statements: &[Arc<JudgedStatement>]) -> bool {
        self.any_limits(statements, InForce::needs_statistics)
    }

    fn any_limits(
        &self,
        statements: &[Arc<JudgedStatement>],
        is: impl Fn(&InForce) -> bool,
    ) -> bool {
        let writes = |judged: &&Arc<JudgedStatement>| {
            judged.statement().facts().class != StatementClass::Transaction
        };
        statements.iter().filter(writes).any(|judged| {
            let (_intent, verdict) = self.verdict(judged, Protocol::Simple, false);
            verdict.in_force.is_some_and(|in_force| is(&in_force))
        })
    }

    /// Judges one statement without recording it, for `jurat explain`.
    pub fn explain(&mut self, judged: &Arc<JudgedStatement>) -> Explanation {
        let (intent, verdict) = self.verdict(judged, Protocol::Simple, false);
        Explanation {
            intent,
            decision: verdict.decision,
            outcome: verdict.permitted.map_err(|refusal| (*refusal).clone()),
        }
    }

    /// Refuses a statement for a reason of Jurat's own, and records that.
    pub fn refuse(
        &mut self,
        judged: &Arc<JudgedStatement>,
        code: RefusalCode,
        why_and_remedy: (&str, &str),
    ) -> Refusal {
        let timer = Timer::start();
        let policy = self.gate.policy.current();
        let mut intent = self.intent(Stage::Statement, &policy);
        let facts = judged.facts(false);
        let refusal = refusals::not_carried_out(code, facts, why_and_remedy, &intent.request_id);
        intent.statement = Some(facts.clone());
        let key = verdict_key((policy.revision(), 0), Protocol::Simple, false);
        let decision = Arc::new(refusals::own_denial(policy.revision(), &refusal));
        let verdict = Verdict::new(key, decision, Err(refusal), facts);
        self.finish_refused(intent, &verdict, judged, timer)
    }

    /// Records the end of the session.
    pub fn close(&mut self, reason: &str) {
        self.database.live.remove(&self.facts.id);
        if !std::mem::replace(&mut self.closed, true)
            && let Err(refusal) = self.record("closed", Some(reason.to_owned()))
        {
            tracing::error!(session = self.id(), %refusal.message, "the end of a session could not be recorded");
        }
    }

    fn intent(&self, stage: Stage, policy: &PolicySet) -> Intent {
        let mut target = self.database.target.clone();
        target.version.clone_from(&self.catalog.catalog().server_version);
        let session = SessionFacts { freeze: self.database.frozen.facts(), ..self.facts.clone() };
        let now_ns = self.gate.clock.now_ns();
        Intent {
            version: VERSION.to_owned(),
            stage,
            request_id: ids::new_id(now_ns),
            time: TimeFacts::utc(now_ns),
            principal: self.login.principal.clone(),
            claimed: self.login.claimed.clone(),
            session,
            target,
            statement: None,
            approvals: Vec::new(),
            policy: PolicyRef { revision: policy.revision().to_owned() },
        }
    }

    fn record(&self, event: &str, reason: Option<String>) -> Result<(), Refusal> {
        self.gate.record_session(SessionRecord {
            event: event.to_owned(),
            session_id: self.facts.id.clone(),
            client_addr: self.facts.client_addr.clone(),
            principal: Some(self.login.principal.clone()),
            target: Some(self.database.target.clone()),
            claimed_user: None,
            reason,
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close("the connection ended");
    }
}

const NAMES_CHANGED: (&str, &str) = (
    "an earlier statement of the same message changes what its names mean",
    "Send the statements one by one",
);

/// Whether any statement of a message means something only an earlier one decides.
pub fn depends_on_earlier(statements: &[Arc<JudgedStatement>]) -> bool {
    let (mut names, mut bindings) = (false, false);
    statements.iter().any(|judged| {
        let depends =
            (names && depends_on_names(judged)) || (bindings && judged.looks_up().is_some());
        names |= changes_names(judged.statement().effect());
        bindings |= changes_bindings(judged.statement().effect());
        depends
    })
}

const fn changes_names(effect: &SessionEffect) -> bool {
    match effect {
        SessionEffect::SearchPathChanged
        | SessionEffect::CatalogChanged
        | SessionEffect::DiscardAll => true,
        SessionEffect::None
        | SessionEffect::Prepare { .. }
        | SessionEffect::Execute { .. }
        | SessionEffect::Deallocate { .. }
        | SessionEffect::DeclareCursor { .. }
        | SessionEffect::Fetch { .. }
        | SessionEffect::CloseCursor { .. }
        | SessionEffect::Transaction
        | SessionEffect::ClientFile { .. }
        | SessionEffect::CopyIn
        | SessionEffect::CopyOut => false,
    }
}

/// Whether an EXECUTE or FETCH behind it in the same message may mean something else than now.
const fn changes_bindings(effect: &SessionEffect) -> bool {
    match effect {
        SessionEffect::Prepare { .. }
        | SessionEffect::Deallocate { .. }
        | SessionEffect::DeclareCursor { .. }
        | SessionEffect::CloseCursor { .. }
        | SessionEffect::DiscardAll
        | SessionEffect::Transaction => true,
        SessionEffect::None
        | SessionEffect::SearchPathChanged
        | SessionEffect::CatalogChanged
        | SessionEffect::Execute { .. }
        | SessionEffect::Fetch { .. }
        | SessionEffect::ClientFile { .. }
        | SessionEffect::CopyIn
        | SessionEffect::CopyOut => false,
    }
}

/// A statement that touches no object means the same whatever names mean. `SET` and the like pass.
fn depends_on_names(judged: &JudgedStatement) -> bool {
    let facts = judged.facts(false);
    !facts.relations.is_empty() || !facts.parsed || !facts.functions.is_empty()
}

#[cfg(test)]
mod sharing_tests;
#[cfg(test)]
mod tests;

//! The admin port: what the people who look after Jurat may see and do, whatever way they come.
//!
//! The local socket, the HTTP API, the web console and SQL are thin layers over it: they say who somebody is, and it
//! decides what that person may do, records it, and does it, in that order.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jurat_policy::PolicyState;
use jurat_types::{
    Claimed, Intent, PolicyRef, Principal, PrincipalKind, RecordBody, SessionFacts, Stage,
    SystemRecord, Target, TimeFacts, VERSION,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Approval, ApprovalState, Approvals, Database, DecideError, Freeze, Gate, Live, StoreError,
    approvals::is_named, ids,
};

mod view;

pub use view::{DatabaseStats, PackageView, PoliciesView, SessionView, Stats};

/// What people may do beside answering requests for approval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Right {
    /// Stop writes to a database, and let them go on.
    Freeze,
    /// End a session.
    Kill,
    /// Read policies and users again.
    Reload,
    /// Look at everybody's sessions, the policies and the counters.
    See,
}

impl Right {
    /// The word that policies read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Kill => "kill",
            Self::Reload => "reload",
            Self::See => "see",
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// An answer to a request for approval was not taken.
    #[error(transparent)]
    Answer(#[from] DecideError),
    /// The person may not do it.
    #[error("{who} may not {what}: {why}")]
    NoRight {
        /// Who.
        who: String,
        /// What: see [`Right`].
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The configuration does not have it.
    #[error("{0} is not configured")]
    NotConfigured(&'static str),
    /// What it is about is not there, or is none of the person's business.
    #[error("there is no {0} that you may see")]
    Unknown(String),
    /// It cannot be recorded, so it is not done.
    #[error("it cannot be recorded, so it is not done")]
    Unrecorded,
    /// The store of approvals cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
}

/// Port: reading policies and users again. What came of it is recorded behind the port.
pub trait Reload: Send + Sync + fmt::Debug {
    /// Reads everything again. It may wait for the disk.
    fn reload(&self) -> Reloaded;
}

/// What came of a reload.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reloaded {
    /// The revision of the policies in force.
    pub revision: String,
    /// What is wrong with those that are not; the last good ones stay.
    pub errors: Vec<String>,
}

/// A reason is told in one line, characters.
const REASON_CHARS_MAX: usize = 200;

/// Port: stopping writes to a database. Policies see it as `input.session.freeze`.
pub trait Freezes: Send + Sync + fmt::Debug {
    /// Those in force.
    fn list(&self) -> Vec<Freeze>;
    /// Stops writes.
    ///
    /// # Errors
    /// Why they go on.
    fn freeze(&self, freeze: Freeze) -> Result<(), String>;
    /// Lets them go on. Tells whether they were stopped.
    ///
    /// # Errors
    /// Why they stay stopped.
    fn unfreeze(&self, database: &str) -> Result<bool, String>;
}

/// What the people who look after Jurat may see and do.
#[derive(Debug)]
pub struct Admin {
    /// The gate, with the policies, the record and the approvals.
    pub gate: Arc<Gate>,
    /// All databases.
    pub databases: Vec<Arc<Database>>,
    /// Who looks after Jurat: `group:NAME` or the id of a principal. Policies can take it back with
    /// `may_administer`, and cannot give it to anybody else.
    pub admins: Vec<String>,
    /// Reads policies and users again.
    pub reload: Arc<dyn Reload>,
    /// Stops writes, where this Jurat can.
    pub freezes: Option<Arc<dyn Freezes>>,
}

/// A person's answer to a request for approval.
#[derive(Clone, Debug)]
pub struct ApprovalAnswer {
    /// The request.
    pub id: String,
    /// Yes or no.
    pub yes: bool,
    /// What was said about it.
    pub reason: Option<String>,
}

impl Admin {
    /// The sessions that `who` may see: their own, and everybody's with the right to see them.
    pub async fn sessions(self: &Arc<Self>, who: &Principal) -> Vec<SessionView> {
        let all = self.check(who, Right::See, None, None).await.is_ok();
        let mut views: Vec<SessionView> = self
            .databases
            .iter()
            .flat_map(|database| {
                database.live.all().into_iter().map(move |live| view(&live, &database.target))
            })
            .filter(|view| all || view.principal == who.id)
            .collect();
        views.sort_by(|one, other| one.id.cmp(&other.id));
        views
    }

    /// Ends a session. Anybody may end their own.
    ///
    /// # Errors
    /// Why it goes on.
    pub async fn kill(
        self: &Arc<Self>,
        (who, via): (&Principal, &str),
        id: &str,
        reason: Option<&str>,
    ) -> Result<SessionView, AdminError> {
        let unknown = || AdminError::Unknown(format!("session {id}"));
        let mut found = self.databases.iter();
        let (database, live) = found
            .find_map(|database| database.live.find(id).map(|live| (database, live)))
            .ok_or_else(unknown)?;
        if live.principal().id != who.id {
            let may = self.check(who, Right::Kill, Some(&live), Some(database)).await;
            if may.is_err() && self.check(who, Right::See, None, None).await.is_err() {
                return Err(unknown());
            }
            may?;
        }
        let view = view(&live, &database.target);
        let details = json!({"session_id": id, "principal": view.principal, "database": view.database, "reason": reason});
        self.record("session_killed", (who, via), details)?;
        tracing::info!(session = id, by = who.id, via, "a session is ended");
        live.kill(&who.id);
        Ok(view)
    }

    /// Requests for approval that `who` may see, newest first; only those that wait, where `open`.
    ///
    /// # Errors
    /// Where there are none to see.
    pub async fn approvals(
        &self,
        who: &Principal,
        open: bool,
    ) -> Result<Vec<Approval>, AdminError> {
        let approvals = self.consent()?;
        let mut list = approvals.list(open).await?;
        list.retain(|one| approvals.may_see(one, who));
        Ok(list)
    }

    /// One request for approval, by its id as people type it.
    ///
    /// # Errors
    /// Where there is none that `who` may see.
    pub async fn approval(&self, who: &Principal, id: &str) -> Result<Approval, AdminError> {
        let unknown = || AdminError::Unknown(format!("request {id}"));
        let approvals = self.consent()?;
        let read = crate::read_approval_id(id).ok_or_else(unknown)?;
        let found = approvals.get(&read).await?;
        found.filter(|one| approvals.may_see(one, who)).ok_or_else(unknown)
    }

    /// Whether `who` may answer a request now.
    pub async fn may_answer(&self, approval: &Approval, who: &Principal) -> bool {
        match self.consent() {
            Ok(approvals) => approvals.may_answer(approval, who).await,
            Err(_not_configured) => false,
        }
    }

    /// Answers a request for approval.
    ///
    /// # Errors
    /// Why the answer is not taken.
    pub async fn answer(
        &self,
        who: Principal,
        ApprovalAnswer { id, yes, reason }: ApprovalAnswer,
        via: &'static str,
    ) -> Result<Approval, AdminError> {
        let approvals = self.consent()?;
        let read = crate::read_approval_id(&id)
            .ok_or_else(|| AdminError::Unknown(format!("request {id}")))?;
        Ok(approvals.decide(&read, who, (yes, reason), via).await?)
    }

    /// The policies in force.
    ///
    /// # Errors
    /// Where `who` may not see them.
    pub async fn policies(self: &Arc<Self>, who: &Principal) -> Result<PoliciesView, AdminError> {
        self.check(who, Right::See, None, None).await?;
        let PolicyState { revision, files, rules, stale } = self.gate.policy.state();
        let set = self.gate.policy.current();
        let mut packages = BTreeMap::<&str, usize>::new();
        for rule in set.rules() {
            *packages.entry(&rule.package).or_default() += 1;
        }
        let packages = packages.into_iter().map(|(package, rules)| PackageView {
            package: package.to_owned(),
            mode: set.mode(package),
            rules,
        });
        Ok(PoliciesView { revision, files, rules, stale, packages: packages.collect() })
    }

    /// Reads policies and users again.
    ///
    /// # Errors
    /// Where `who` may not. What is wrong with the files is in the answer.
    pub async fn reload(
        self: &Arc<Self>,
        (who, via): (&Principal, &str),
    ) -> Result<Reloaded, AdminError> {
        self.check(who, Right::Reload, None, None).await?;
        self.record("reload", (who, via), json!({}))?;
        let reload = Arc::clone(&self.reload);
        let done = tokio::task::spawn_blocking(move || reload.reload()).await;
        done.map_err(|error| AdminError::Failed(error.to_string()))
    }

    /// Databases whose writes are stopped. Everybody may know that.
    pub fn frozen(&self) -> Vec<Freeze> {
        self.freezes.as_ref().map(|freezes| freezes.list()).unwrap_or_default()
    }

    /// Stops writes to a database.
    ///
    /// # Errors
    /// Why they go on.
    pub async fn freeze(
        self: &Arc<Self>,
        (who, via): (&Principal, &str),
        (database, reason): (&str, &str),
        until_ns: Option<i64>,
    ) -> Result<Freeze, AdminError> {
        let target = self.database(database)?;
        self.check(who, Right::Freeze, None, Some(target)).await?;
        let freezes = self.freezes.clone().ok_or(AdminError::NotConfigured("freezing"))?;
        let freeze = Freeze {
            database: database.to_owned(),
            reason: reason.trim().to_owned(),
            by: who.id.clone(),
            until_ns,
        };
        self.makes_sense(&freeze)?;
        let details = json!({"database": database, "reason": freeze.reason, "until_ns": until_ns});
        self.record("freeze", (who, via), details)?;
        let done = freeze.clone();
        blocking(move || freezes.freeze(freeze)).await?;
        Ok(done)
    }

    /// A freeze that would stop nothing, or that nobody could understand, is none.
    fn makes_sense(&self, freeze: &Freeze) -> Result<(), AdminError> {
        let no = |why: &str| Err(AdminError::Failed(why.to_owned()));
        if freeze.reason.is_empty() {
            return no("say why: everybody whose write is denied is told the reason");
        }
        if freeze.reason.chars().count() > REASON_CHARS_MAX
            || freeze.reason.chars().any(char::is_control)
        {
            return no("the reason is longer than 200 characters, or has line breaks");
        }
        if !freeze.holds(self.gate.clock.now_ns()) {
            return no("the end of the freeze is in the past");
        }
        if !self.gate.policy.current().reads_freeze() {
            return no("no policy reads `input.session.freeze`, so nothing would be stopped");
        }
        Ok(())
    }

    /// Lets writes to a database go on. Tells whether they were stopped.
    ///
    /// # Errors
    /// Why they stay stopped.
    pub async fn unfreeze(
        self: &Arc<Self>,
        (who, via): (&Principal, &str),
        database: &str,
    ) -> Result<bool, AdminError> {
        let target = self.database(database)?;
        self.check(who, Right::Freeze, None, Some(target)).await?;
        let freezes = self.freezes.clone().ok_or(AdminError::NotConfigured("freezing"))?;
        self.record("unfreeze", (who, via), json!({"database": database}))?;
        let database = database.to_owned();
        blocking(move || freezes.unfreeze(&database)).await
    }

    /// The counters, for somebody.
    ///
    /// # Errors
    /// Where `who` may not see them.
    pub async fn stats(self: &Arc<Self>, who: &Principal) -> Result<Stats, AdminError> {
        self.check(who, Right::See, None, None).await?;
        Ok(self.counters().await)
    }

    /// The counters, for whoever collects metrics. They name databases, and nobody.
    pub async fn counters(&self) -> Stats {
        let pending =
            match &self.gate.approvals {
                Some(approvals) => approvals.list(true).await.ok().map(|list| {
                    list.iter().filter(|one| one.state == ApprovalState::Pending).count()
                }),
                None => None,
            };
        let state = self.gate.policy.state();
        let (records, records_unsigned) = self.gate.audit.size();
        let databases = self.databases.iter().map(|database| {
            let mut sessions = BTreeMap::new();
            for live in database.live.all() {
                *sessions.entry(live.state().as_str()).or_default() += 1;
            }
            DatabaseStats {
                database: database.target.name.clone(),
                counted: database.counted(),
                sessions,
            }
        });
        Stats {
            databases: databases.collect(),
            approvals_pending: pending,
            policies_current: state.stale.is_none(),
            records,
            records_unsigned,
            record_trouble: self.gate.audit.trouble().map(|error| error.to_string()),
            revision: state.revision,
        }
    }

    /// Whether `who` may do something, as names and policies say.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(
        self: &Arc<Self>,
        who: &Principal,
        right: Right,
        session: Option<&Arc<Live>>,
        database: Option<&Arc<Database>>,
    ) -> Result<(), AdminError> {
        let no = |why: &str| AdminError::NoRight {
            who: who.id.clone(),
            what: right.as_str(),
            why: why.to_owned(),
        };
        if who.kind != PrincipalKind::Person
            || who.on_behalf_of.is_some()
            || !who.delegation.is_empty()
        {
            return Err(no("only people who act for themselves look after jurat"));
        }
        if !is_named(who, &self.admins) {
            return Err(no("they are not among the `admins` of the configuration"));
        }
        let policy = self.gate.policy.current();
        let intent = self.intent(who, right, session, database);
        // A rule may take its time, and other sessions must not wait for it.
        let judged = tokio::task::spawn_blocking(move || policy.may_administer(&intent)).await;
        match judged.map_err(|error| error.to_string()).and_then(|judged| judged) {
            Ok(None | Some(true)) => Ok(()),
            Ok(Some(false)) => Err(no("a rule may_administer says no")),
            Err(error) => {
                tracing::error!(error, "a rule may_administer failed");
                Err(no("a rule may_administer failed"))
            }
        }
    }

    fn intent(
        &self,
        who: &Principal,
        right: Right,
        session: Option<&Arc<Live>>,
        database: Option<&Arc<Database>>,
    ) -> Intent {
        let now_ns = self.gate.clock.now_ns();
        let owner = session.map(|live| live.principal().clone());
        let session = SessionFacts {
            id: session.map(|live| live.id.clone()).unwrap_or_default(),
            client_addr: session.map(|live| live.client_addr.clone()).unwrap_or_default(),
            tls: session.is_some_and(|live| live.tls()),
            started_ns: session.map_or(0, |live| live.started_ns),
            in_transaction: false,
            read_only: false,
            totals: session.map(|live| live.totals()).unwrap_or_default(),
            freeze: None,
            replication: None,
        };
        Intent {
            version: VERSION.to_owned(),
            stage: Stage::Admin,
            request_id: ids::new_id(now_ns),
            time: TimeFacts::utc(now_ns),
            principal: who.clone(),
            claimed: Claimed::default(),
            session,
            target: database.map_or_else(nowhere, |database| database.target.clone()),
            statement: None,
            approvals: vec![json!({"action": right.as_str(), "owner": owner})],
            policy: PolicyRef { revision: self.gate.policy.state().revision },
        }
    }

    /// Records that somebody has logged in to look after Jurat, or has tried to.
    ///
    /// # Errors
    /// Where it cannot be recorded; nobody is let in then.
    pub fn record_login(
        &self,
        user: &str,
        (via, address): (&str, &str),
        let_in: bool,
    ) -> Result<(), AdminError> {
        let action = if let_in { "login" } else { "login_refused" };
        let user: String = user.chars().take(63).collect();
        self.record_as(action, (&user, via), json!({"client_addr": address}))
    }

    fn consent(&self) -> Result<&Arc<Approvals>, AdminError> {
        self.gate.approvals.as_ref().ok_or(AdminError::NotConfigured("a section [approvals]"))
    }

    fn database(&self, name: &str) -> Result<&Arc<Database>, AdminError> {
        let mut databases = self.databases.iter();
        databases
            .find(|database| database.target.name == name)
            .ok_or_else(|| AdminError::Unknown(format!("database {name}")))
    }

    /// Nothing happens unrecorded.
    fn record(
        &self,
        action: &str,
        (who, via): (&Principal, &str),
        details: Value,
    ) -> Result<(), AdminError> {
        self.record_as(action, (&who.id, via), details)
    }

    fn record_as(
        &self,
        action: &str,
        (by, via): (&str, &str),
        details: Value,
    ) -> Result<(), AdminError> {
        let mut record = BTreeMap::from([
            ("action".to_owned(), json!(action)),
            ("by".to_owned(), json!(by)),
            ("via".to_owned(), json!(via)),
        ]);
        if let Value::Object(more) = details {
            record.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        let body = RecordBody::System(SystemRecord { event: "admin".to_owned(), details: record });
        self.gate.audit.append(body).map(drop).map_err(|error| {
            tracing::error!(%error, action, "an action of an administrator could not be recorded");
            AdminError::Unrecorded
        })
    }
}

/// The target of an action that is about no database.
fn nowhere() -> Target {
    Target {
        name: String::new(),
        engine: jurat_types::Engine::default(),
        version: String::new(),
        database: String::new(),
        environment: String::new(),
        labels: BTreeMap::new(),
        upstream_user: String::new(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, AdminError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string()).and_then(|done| done).map_err(AdminError::Failed)
}

fn view(live: &Live, target: &Target) -> SessionView {
    let last = live.last();
    SessionView {
        id: live.id.clone(),
        principal: live.principal().id.clone(),
        kind: live.principal().kind,
        on_behalf_of: live.principal().on_behalf_of.as_ref().map(|human| human.id.clone()),
        application: live.application.clone(),
        database: target.name.clone(),
        client_addr: live.client_addr.clone(),
        tls: live.tls(),
        since: TimeFacts::utc(live.started_ns).rfc3339,
        state: live.state(),
        fingerprint: last.as_ref().map(|judged| judged.facts(false).fingerprint.clone()),
        statement: last.as_ref().map(|judged| judged.statement().redacted().to_owned()),
        totals: live.totals(),
    }
}

#[cfg(test)]
mod tests;

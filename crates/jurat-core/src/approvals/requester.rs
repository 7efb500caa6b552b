//! The way of a message that lacks nothing but consent, whichever protocol it came over: consent is asked for, waited
//! for where that keeps nobody else waiting, and then the message is judged and sent once.

use std::{sync::Arc, time::Duration};

use jurat_types::Refusal;

use super::{Answer, Approval, ApprovalOptions, Approvals, Waited, Waiting};
use crate::{Answered, Draft, Over, Permit, Question, Session};

/// Statements of one message that may need consent.
const ASKED_MAX: usize = 64;

/// A connection with a message that was refused. Front-ends say here what differs between protocols.
pub trait Requester: Send {
    /// How a session ends.
    type End: Send;

    /// Whose message it is.
    fn session(&mut self) -> &mut Session;

    /// Judges the message again.
    ///
    /// # Errors
    /// What the client is told.
    fn judge(&mut self) -> Result<Vec<Draft>, Refusal>;

    /// Gives permits for what was judged, once the records of all that writes are on stable storage.
    fn settle(
        &mut self,
        drafts: Vec<Draft>,
    ) -> impl Future<Output = Result<Vec<Permit>, Refusal>> + Send;

    /// Asks the database over a connection of its own, so that nothing of the session's is touched.
    fn foresee(&mut self, question: &Question) -> impl Future<Output = Answered> + Send;

    /// How long the connection may wait now. Zero where the database has anything of it under way, unless the
    /// operator allows that.
    fn patience(&self, options: &ApprovalOptions) -> Duration;

    /// Tells the client why it waits, and for which request, where the protocol can.
    fn tell_waiting(&mut self, why: &Refusal, id: &str);

    /// What ends the wait when the client cancels it over another connection.
    fn waiting(&self) -> &Waiting;

    /// Keeps both sides connected while nothing is sent to the database. Ends when one of them does.
    fn stay(&mut self) -> impl Future<Output = Self::End> + Send;

    /// The end of a session that an administrator has ended.
    fn killed(&mut self) -> Self::End;

    /// The session has ended while it waited.
    fn note_end(&mut self, end: Self::End);
}

/// What has ended a wait.
enum Stop<E> {
    /// The client, over another connection.
    Canceled,
    Killed,
    Gone(E),
}

/// What becomes of a message that was refused with `refusal`: permits where it lacks nothing but consent, and there
/// is consent. A grant is used up for good before its permit is given out.
///
/// # Errors
/// What the client is told.
pub async fn seek_consent<R: Requester>(
    requester: &mut R,
    refusal: Refusal,
) -> Result<Vec<Permit>, Refusal> {
    let result = seek(requester, refusal).await;
    drop(requester.session().take_spent());
    result
}

async fn seek<R: Requester>(
    requester: &mut R,
    mut refusal: Refusal,
) -> Result<Vec<Permit>, Refusal> {
    let approvals = requester.session().gate().approvals.clone();
    for _ in 0..ASKED_MAX {
        if let Some(question) = requester.session().take_question() {
            let answered = requester.foresee(&question).await;
            requester.session().note_foreseen(&question, answered);
        } else {
            let Some(approvals) = &approvals else { break };
            if !look_or_ask(requester, approvals).await? {
                break;
            }
        }
        match requester.judge() {
            Ok(drafts) => {
                let spent = requester.session().take_spent();
                // What is recorded names the grant, and is there for good before the grant is used. Where
                // that fails, the permits go, and their records say that nothing ran.
                let permits = requester.settle(drafts).await?;
                if let Some(approvals) = approvals.filter(|_| !spent.is_empty()) {
                    approvals.spend(spent).await?;
                }
                return Ok(permits);
            }
            Err(next) => refusal = next,
        }
    }
    Err(refusal)
}

/// Takes one step towards consent. Tells whether there was one to take.
async fn look_or_ask<R: Requester>(
    requester: &mut R,
    approvals: &Arc<Approvals>,
) -> Result<bool, Refusal> {
    if let Some(digest) = requester.session().take_looked_for() {
        let found = approvals.look(&digest).await;
        requester.session().note_found(digest, found);
    } else if let Some((mut asked, sampling)) = requester.session().take_asked() {
        // What was asked before has its rows already, or none.
        if let Some(question) = sampling
            && approvals.is_new(&asked.digest).await
        {
            let answered = requester.foresee(&question).await;
            asked.sample = question.sample(answered);
        }
        let grant = grant(requester, approvals, asked).await?;
        requester.session().lend(*grant);
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Asks for consent, and waits for it where the connection may.
async fn grant<R: Requester>(
    requester: &mut R,
    approvals: &Arc<Approvals>,
    asked: Approval,
) -> Result<Box<Approval>, Refusal> {
    let (approval, new) = match approvals.ask(asked).await? {
        Answer::Granted(grant) => return Ok(grant),
        Answer::Waiting { approval, new } => (approval, new),
    };
    let why = approvals.waiting(&approval, new);
    let limit = requester.patience(&approvals.options);
    if !approval.may_be_held() || limit.is_zero() {
        return Err(why);
    }
    requester.tell_waiting(&why, &approval.id);
    wait(requester, approvals, &approval, limit).await
}

async fn wait<R: Requester>(
    requester: &mut R,
    approvals: &Arc<Approvals>,
    approval: &Approval,
    limit: Duration,
) -> Result<Box<Approval>, Refusal> {
    let live = Arc::clone(requester.session().live());
    let (bell, killed) = (requester.waiting().begin(), live.end());
    live.set_held(true);
    let stopped = async {
        tokio::select! {
            biased;
            () = killed.cancelled() => Stop::Killed,
            () = bell.notified() => Stop::Canceled,
            end = requester.stay() => Stop::Gone(end),
        }
    };
    let waited = approvals.wait(approval, limit, stopped).await;
    live.set_held(false);
    requester.waiting().end();
    let end = match waited {
        Waited::Granted(grant) => return Ok(grant),
        Waited::Refused(refusal) => return Err(*refusal),
        Waited::TimeOver => return Err(approvals.unanswered(approval)),
        Waited::Stopped(Stop::Canceled) => {
            approvals.cancel(&approval.id, "the requester canceled").await;
            return Err(approvals.given_up(approval));
        }
        Waited::Stopped(Stop::Killed) => requester.killed(),
        Waited::Stopped(Stop::Gone(end)) => end,
    };
    approvals.cancel(&approval.id, "the requester has left").await;
    requester.note_end(end);
    Err(approvals.given_up(approval))
}

impl Over {
    /// Takes the answer to what is asked for the card.
    pub fn note_sample(&mut self, question: Question, answered: Answered) {
        if let Some(asks) = &mut self.asks {
            asks.sample = question.sample(answered);
        }
    }

    /// What the client is told, once consent to the number of rows was asked for where somebody may give it. Asking
    /// waits for the store, and not for an answer.
    pub async fn ask(self, session: &Session) -> Refusal {
        let Self { mut refusal, asks, sampling: _ } = self;
        let (Some(asks), Some(approvals)) = (asks, session.gate().approvals.clone()) else {
            return refusal;
        };
        let own = asks.id.clone();
        match approvals.ask(*asks).await {
            // Somebody else was faster with the same question.
            Ok(Answer::Waiting { approval, .. } | Answer::Granted(approval)) => {
                refusal.message = refusal.message.replace(&own, &approval.id);
                refusal.hint = refusal.hint.map(|hint| hint.replace(&own, &approval.id));
                if let Some(detail) = refusal.detail.as_object_mut() {
                    for name in ["approval", "approve"] {
                        if let Some(serde_json::Value::String(told)) = detail.get_mut(name) {
                            *told = told.replace(&own, &approval.id);
                        }
                    }
                }
                refusal
            }
            Err(other) => other,
        }
    }
}

//! Messages of several statements in which one changes what the names of a later one mean.
//!
//! `CREATE TABLE t …; INSERT INTO t …` cannot be judged at once: what `t` will be is not known. Such a
//! message is sent statement by statement, and names are read again in between. The server runs a message
//! as one implicit transaction, so the statements stand in a transaction block of Jurat's own, whose
//! beginning and end the client does not see. Where the message opens or closes a block itself, that one is
//! used; a mixture of both is refused as before.

use std::sync::Arc;

use jurat_core::{JudgedStatement, SessionEffect, Statement};
use jurat_types::Refusal;
use jurat_wire::postgres::backend::TransactionStatus;

use super::{End, Relay};
use crate::{queue::Expect, respond};

/// Longer texts are not read again and again, bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The texts of Jurat's own block. The comment tells them from the client's.
const BEGIN: &str = "/* jurat */ BEGIN";
const COMMIT: &str = "/* jurat */ COMMIT";
const ROLLBACK: &str = "/* jurat */ ROLLBACK";

/// A message that is sent statement by statement.
#[derive(Debug)]
pub(super) struct Script {
    text: Vec<u8>,
    /// The statement that comes next, and how many there are.
    next: usize,
    count: usize,
    /// Whether it was decided that the message can be sent in this way.
    begun: bool,
    /// Whether Jurat's own block is open.
    own_block: bool,
    /// The end of it is under way.
    ending: bool,
    /// A statement failed, so nothing more of the message runs.
    failed: bool,
}

impl Relay {
    /// Whether a message has to be sent statement by statement, which is noted then. It begins once
    /// everything before it was answered.
    pub(super) fn keep_for_later(
        &mut self,
        text: &[u8],
        statements: &[Arc<JudgedStatement>],
    ) -> bool {
        // Without a Sync the answers before it would never come.
        let answered = self.queue.is_empty() || self.queue.drains_by_itself();
        let keep = answered
            && statements.len() > 1
            && text.len() <= TEXT_BYTES_MAX
            && (jurat_core::depends_on_earlier(statements) || self.must_be_split(statements));
        if keep {
            let text = text.to_vec();
            self.script = Some(Script {
                text,
                next: 0,
                count: statements.len(),
                begun: false,
                own_block: false,
                ending: false,
                failed: false,
            });
        }
        keep
    }

    /// Sends the next statement of such a message, once the one before was answered.
    pub(super) async fn continue_script(&mut self) -> Result<(), End> {
        if !self.queue.is_empty() {
            return Ok(());
        }
        let Some(mut script) = self.script.take() else { return Ok(()) };
        let statements = self.read_fresh(&script.text).await?;
        if !script.begun {
            script.begun = true;
            if !self.runs_one_by_one(&statements) {
                match self.judge_message(&statements).await {
                    Ok(permits) => self.send_judged(permits, &script.text),
                    Err(refusal) => self.refuse_query(&refusal),
                }
                return Ok(());
            }
        }
        let Some(judged) = statements.get(script.next) else {
            self.end_script(script, COMMIT);
            return Ok(());
        };
        if self.status == TransactionStatus::Idle && kind(judged) != "begin" {
            script.own_block = true;
            self.push_own(BEGIN);
            self.script = Some(script);
            return Ok(());
        }
        match self.judge_message(std::slice::from_ref(judged)).await {
            Ok(permits) => {
                script.next = script.next.saturating_add(1);
                self.send_in_block(permits, b"");
                self.script = Some(script);
            }
            Err(refusal) => self.refuse_script(script, &refusal),
        }
        Ok(())
    }

    /// What ran before in the same message is taken back, as after any other error.
    fn refuse_script(&mut self, script: Script, refusal: &Refusal) {
        if script.own_block {
            respond::error(self.client.out(), refusal);
            self.end_script(script, ROLLBACK);
        } else {
            self.refuse_query(refusal);
        }
    }

    fn end_script(&mut self, mut script: Script, text: &'static str) {
        script.ending = true;
        self.push_own(text);
        self.script = Some(script);
    }

    pub(super) fn push_own(&mut self, text: &'static str) {
        self.upstream.bracket(text);
        self.queue.push(Expect::Own);
        self.names.next_cycle();
    }

    /// Whether what runs now runs in a block of the message's own.
    pub(super) fn script_has_own_block(&self) -> bool {
        self.script.as_ref().is_some_and(|script| script.begun && script.own_block)
    }

    pub(super) const fn script_failed(&mut self) {
        if let Some(script) = &mut self.script {
            // Before it begins, what fails is something older.
            script.failed = script.begun;
        }
    }

    /// A statement of the message was answered; tells whether the client is told so, which is at the end
    /// of the message.
    pub(super) fn script_goes_on(&mut self) -> bool {
        let Some(mut script) = self.script.take() else { return false };
        if !script.begun {
            // What was answered came before the message.
            self.script = Some(script);
            return false;
        }
        if script.ending {
            return false;
        }
        if script.own_block && !script.failed && self.status == TransactionStatus::Idle {
            // A statement that was not understood has ended it. What follows is a transaction of its own,
            // as it is in one message.
            script.own_block = false;
        } else if script.own_block
            && (script.failed || self.status != TransactionStatus::InTransaction)
        {
            let open = self.status != TransactionStatus::Idle;
            if open {
                self.end_script(script, ROLLBACK);
            }
            return open;
        }
        if script.failed || (!script.own_block && script.next >= script.count) {
            return false;
        }
        self.script = Some(script);
        true
    }
}

impl Relay {
    /// Whether the statements mean one by one, in a block, what they mean in one message. A denial that can
    /// be foreseen is not: it refuses the message before anything of it has run.
    fn runs_one_by_one(&mut self, statements: &[Arc<JudgedStatement>]) -> bool {
        let mut block = match self.status {
            TransactionStatus::Idle => Block::None,
            TransactionStatus::InTransaction => Block::Client,
            TransactionStatus::Failed => return false,
        };
        for (index, judged) in statements.iter().enumerate() {
            block = match block.after(judged) {
                Some(block) => block,
                None => return false,
            };
            let foreseen =
                !jurat_core::depends_on_earlier(statements.get(..=index).unwrap_or_default());
            if foreseen
                && judged.looks_up().is_none()
                && self.session.explain(judged).outcome.is_err()
            {
                return false;
            }
        }
        true
    }
}

/// The transaction block that a statement of the message runs in.
#[derive(Clone, Copy, Debug)]
enum Block {
    None,
    Client,
    Own,
}

impl Block {
    /// The block behind a statement; `None` where a message and a block of Jurat's own are not the same.
    fn after(self, judged: &JudgedStatement) -> Option<Self> {
        let (Statement::Parsed(_), effect) = (judged.statement(), judged.statement().effect())
        else {
            // A name that is not known yet may be one that the message makes. Whether a statement that is
            // not read at all has ended the block is seen from the state behind it.
            return Some(self.inside());
        };
        if !matches!(effect, SessionEffect::Transaction) {
            return Some(self.inside());
        }
        match (self, kind(judged)) {
            (Self::None, "begin") => Some(Self::Client),
            (Self::Client, "commit" | "rollback") => Some(Self::None),
            (Self::Client, "savepoint" | "release_savepoint" | "rollback_to_savepoint") => {
                Some(Self::Client)
            }
            _ => None,
        }
    }

    const fn inside(self) -> Self {
        match self {
            Self::None => Self::Own,
            Self::Client | Self::Own => self,
        }
    }
}

fn kind(judged: &JudgedStatement) -> &str {
    &judged.statement().facts().kind
}

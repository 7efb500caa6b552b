//! Writes inside a transaction of the client's own: their records are on stable storage before it may be committed, not
//! before each of them is sent.
//!
//! Until COMMIT nothing of them lasts: should the power fail before, the database takes them back, because the connection
//! ends. One wait for the disk then serves all of them.

use jurat_types::{FunctionClass, StatementClass, StatementFacts};

use crate::Draft;

/// What is open when a message is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Block {
    /// A transaction block, and nothing is under way that could end it.
    Open,
    /// None, and nothing is under way that could begin one.
    None,
    /// One may have begun or ended meanwhile.
    Unknown,
}

/// Whether records of the open transaction may not be on stable storage.
#[derive(Debug, Default)]
pub struct Unsynced {
    put_off: bool,
    /// Something was judged that may begin or end a block, and what the database last said of that is older.
    unsure: bool,
}

impl Unsynced {
    /// Everything that was sent is answered, and what the database says of the block is true.
    pub const fn all_answered(&mut self) {
        self.unsure = false;
    }

    /// Puts off what a message waits for, where it is certain that it can wait, and makes what may end the transaction
    /// wait for what was put off. Call it right before [`Gate::settle`](crate::Gate::settle).
    pub fn plan(&mut self, drafts: &mut [Draft], block: Block) {
        let block = if self.unsure { Block::Unknown } else { block };
        if block == Block::None {
            self.put_off = false;
        }
        if let ([Draft(permit)], Block::Open) = (&mut *drafts, block)
            && permit.needs_sync
            && goes_with_the_transaction(permit.judged().statement().facts())
        {
            permit.needs_sync = false;
            self.put_off = true;
        }
        for Draft(permit) in drafts {
            let class = permit.judged().statement().facts().class;
            let stays = matches!(class, StatementClass::Read | StatementClass::Write);
            self.unsure |= !stays;
            permit.needs_sync |= self.put_off && !stays;
        }
    }
}

/// Whether everything that the statement does is taken back with its transaction.
fn goes_with_the_transaction(facts: &StatementFacts) -> bool {
    facts.parsed
        && !facts.dynamic_sql
        && facts.class == StatementClass::Write
        && matches!(facts.kind.as_str(), "copy" | "delete" | "insert" | "merge" | "update")
        && facts.functions.iter().all(|function| match function.class {
            FunctionClass::Catalog | FunctionClass::Pure | FunctionClass::Volatile => true,
            FunctionClass::Admin
            | FunctionClass::DynamicSql
            | FunctionClass::File
            | FunctionClass::Network
            | FunctionClass::Settings
            | FunctionClass::Unknown => false,
        })
}

#[cfg(test)]
mod tests {
    use super::{Block, Unsynced};
    use crate::testing::Bench;

    const ALLOW: &str = r#"package jurat.case
import rego.v1
allow contains "all""#;

    /// A text, what is open when it comes, and whether it waits for the disk. Each is answered before the next one, but
    /// for what follows COMMIT at once.
    #[test]
    fn writes_of_a_transaction_wait_for_the_disk_once() {
        let mut bench = Bench::new(ALLOW);
        let mut unsynced = Unsynced::default();
        for (text, block, waits) in [
            ("UPDATE users SET email = 'a' WHERE id = 1", Block::None, true),
            ("BEGIN", Block::None, false),
            ("UPDATE users SET email = 'a' WHERE id = 1", Block::Open, false),
            ("SELECT id FROM users", Block::Open, false),
            ("UPDATE users SET email = lower('A') WHERE id = 1", Block::Open, false),
            ("UPDATE users SET email = unheard_of() WHERE id = 1", Block::Open, true),
            ("TRUNCATE users", Block::Open, true),
            ("SAVEPOINT s", Block::Open, true),
            ("COMMIT", Block::Open, true),
            ("UPDATE users SET email = 'a' WHERE id = 1", Block::Open, true),
            ("SELECT 1", Block::Unknown, false),
            ("BEGIN", Block::None, false),
            ("COMMIT", Block::Open, false),
        ] {
            let statements = bench.session.read(text.as_bytes());
            let mut drafts = bench.session.judge_message(&statements, |_| None).unwrap();
            unsynced.plan(&mut drafts, block);
            assert_eq!(drafts.iter().any(|draft| draft.0.needs_sync), waits, "{text}");
            if text != "COMMIT" {
                unsynced.all_answered();
            }
        }
    }
}

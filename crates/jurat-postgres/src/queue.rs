//! What the client still has to be answered, in order. The order of replies is the protocol: this
//! queue is the session's one source of truth about it.

use std::{collections::VecDeque, sync::Arc};

use jurat_core::{Running, Scans};
use jurat_types::Decision;

use crate::{names::Undo, report::Text};

/// One request that has not been answered in full.
#[derive(Debug)]
pub(crate) enum Expect {
    /// ParseComplete.
    Parse {
        /// How to take the name back.
        undo: Undo,
        /// What positions in errors point into.
        text: Text,
    },
    /// BindComplete.
    Bind(Undo),
    /// CloseComplete.
    Close(Undo),
    /// ParameterDescription, then RowDescription or NoData, with the decision whose masks it must keep to.
    DescribeStatement(Option<Arc<Decision>>),
    /// RowDescription or NoData; as above.
    DescribePortal(Option<Arc<Decision>>),
    /// RowDescription or NoData of a portal whose origins Jurat asks for; the client is not told.
    OwnDescribe(Box<Asked>),
    /// Rows, then CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute(Box<Execution>),
    /// The replies of every statement in turn, then ReadyForQuery.
    Query(VecDeque<Execution>),
    /// FunctionCallResponse, then ReadyForQuery; nothing once the first has come.
    FunctionCall(Option<Box<Execution>>),
    /// CommandComplete of a statement of Jurat's own, which the client is not told, then ReadyForQuery.
    Own,
    /// So many answers to messages of Jurat's own in the extended protocol, which the client is not told.
    OwnSteps {
        /// How many have not come yet.
        left: u8,
        /// Whether a row with a number comes too.
        counts: bool,
    },
    /// ReadyForQuery.
    Sync,
    /// An error that stands for a refusal: the database was made to fail at this very point, so that
    /// transactions and pipelines end as they would for any other error.
    Pill(Vec<u8>),
}

/// Whose origins are asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The decision that it runs under.
    pub(crate) decision: Arc<Decision>,
    /// Which columns of its rows are looked through.
    pub(crate) scans: Option<Arc<Scans>>,
    /// The text whose origins need not be asked for again.
    pub(crate) text: Option<Arc<str>>,
}

/// A statement that was sent.
#[derive(Debug)]
pub(crate) struct Execution {
    /// Takes the outcome; `None` for what runs nothing: an empty text, a command around a statement.
    pub(crate) running: Option<Running>,
    /// What the statement puts under a name or takes away; undone if it does not run.
    pub(crate) undo: Undo,
    /// As for Parse.
    pub(crate) text: Text,
    /// The database may ask for rows of the client (COPY FROM STDIN) and has not done so yet.
    pub(crate) awaits_copy: bool,
}

impl Execution {
    /// What is answered and runs nothing that was asked for.
    pub(crate) fn of_nothing(text: Text) -> Self {
        Self { running: None, undo: Undo::default(), text, awaits_copy: false }
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    expected: VecDeque<Expect>,
}

impl Queue {
    pub(crate) fn push(&mut self, expect: Expect) {
        self.expected.push_back(expect);
    }

    pub(crate) fn front(&mut self) -> Option<&mut Expect> {
        self.expected.front_mut()
    }

    pub(crate) fn pop(&mut self) -> Option<Expect> {
        self.expected.pop_front()
    }

    /// The statement that is answered now.
    pub(crate) fn running(&mut self) -> Option<&mut Execution> {
        match self.expected.front_mut() {
            Some(Expect::Execute(execution)) => Some(execution),
            Some(Expect::FunctionCall(execution)) => execution.as_deref_mut(),
            Some(Expect::Query(executions)) => executions.front_mut(),
            Some(
                Expect::Parse { .. }
                | Expect::Bind(_)
                | Expect::Close(_)
                | Expect::DescribeStatement(_)
                | Expect::DescribePortal(_)
                | Expect::OwnDescribe(_)
                | Expect::Own
                | Expect::OwnSteps { .. }
                | Expect::Sync
                | Expect::Pill(_),
            )
            | None => None,
        }
    }

    /// Takes the handle of the statement that is answered now or next.
    pub(crate) fn next_running(&mut self) -> Option<Running> {
        self.expected.iter_mut().find_map(|expect| match expect {
            Expect::Execute(execution) => execution.running.take(),
            Expect::FunctionCall(execution) => execution.as_mut()?.running.take(),
            Expect::Query(executions) => executions.front_mut()?.running.take(),
            Expect::Parse { .. }
            | Expect::Bind(_)
            | Expect::Close(_)
            | Expect::DescribeStatement(_)
            | Expect::DescribePortal(_)
            | Expect::OwnDescribe(_)
            | Expect::Own
            | Expect::OwnSteps { .. }
            | Expect::Sync
            | Expect::Pill(_) => None,
        })
    }

    /// Whether a simple query waits for its answer.
    pub(crate) fn holds_query(&self) -> bool {
        self.expected.iter().any(|expect| matches!(expect, Expect::Query(_)))
    }

    /// `Some` where a row may come now.
    pub(crate) fn take_row(&self) -> Option<()> {
        matches!(self.expected.front(), Some(Expect::Execute(_) | Expect::Query(_))).then_some(())
    }

    pub(crate) fn len(&self) -> usize {
        self.expected.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// Whether nothing in it runs anything or ends a cycle.
    pub(crate) fn only_prepares(&self) -> bool {
        self.expected.iter().all(|expect| match expect {
            Expect::Parse { .. }
            | Expect::Bind(_)
            | Expect::Close(_)
            | Expect::DescribeStatement(_)
            | Expect::DescribePortal(_)
            | Expect::OwnDescribe(_) => true,
            Expect::Execute(_)
            | Expect::Query(_)
            | Expect::FunctionCall(_)
            | Expect::Own
            | Expect::OwnSteps { .. }
            | Expect::Sync
            | Expect::Pill(_) => false,
        })
    }

    /// Whether nothing runs behind the statement that is answered now.
    pub(crate) fn ends_here(&self) -> bool {
        let one = match self.expected.front() {
            Some(Expect::Query(executions)) => executions.len() == 1,
            Some(Expect::Execute(_)) => true,
            Some(_) | None => false,
        };
        one && self.expected.iter().skip(1).all(|expect| matches!(expect, Expect::Sync))
    }

    /// Whether the queue empties without any further message of the client.
    pub(crate) fn drains_by_itself(&self) -> bool {
        matches!(
            self.expected.back(),
            Some(Expect::Sync | Expect::Query(_) | Expect::FunctionCall(_) | Expect::Own)
        )
    }

    /// After an error of the extended protocol the server ignores everything up to the next Sync
    /// (PostgreSQL documentation, "Extended Query"). Takes those requests out, the newest first, so
    /// that what they did to names can be undone in that order. Tells whether a Sync was reached.
    pub(crate) fn drop_until_sync(&mut self) -> (Vec<Expect>, bool) {
        let position = self.expected.iter().position(|expect| matches!(expect, Expect::Sync));
        let count = position.unwrap_or(self.expected.len());
        let mut dropped: Vec<Expect> = self.expected.drain(..count).collect();
        dropped.reverse();
        (dropped, position.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{Execution, Expect, Queue};
    use crate::{names::Undo, report::Text};

    fn queue(expected: Vec<Expect>) -> Queue {
        let mut queue = Queue::default();
        expected.into_iter().for_each(|expect| queue.push(expect));
        queue
    }

    #[test]
    fn an_error_drops_what_comes_before_the_next_sync_newest_first() {
        let mut queue = queue(vec![
            Expect::Bind(Undo::default()),
            Expect::DescribePortal(None),
            Expect::Sync,
            Expect::DescribeStatement(None),
        ]);
        let (dropped, synced) = queue.drop_until_sync();
        assert!(synced);
        assert!(matches!(dropped.as_slice(), [Expect::DescribePortal(_), Expect::Bind(_)]));
        assert!(matches!(queue.pop(), Some(Expect::Sync)));
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn without_a_sync_everything_is_dropped() {
        let mut queue =
            queue(vec![Expect::Close(Undo::default()), Expect::DescribeStatement(None)]);
        let (dropped, synced) = queue.drop_until_sync();
        assert_eq!((dropped.len(), synced), (2, false));
        assert!(queue.is_empty());
    }

    #[test]
    fn rows_come_only_from_what_runs() {
        assert!(queue(vec![Expect::DescribePortal(None)]).take_row().is_none());
        assert!(queue(vec![Expect::Query([].into())]).take_row().is_some());
        assert!(queue(vec![]).take_row().is_none());
    }

    #[test]
    fn a_statement_is_the_last_where_nothing_runs_behind_it() {
        let run = || Execution {
            running: None,
            undo: Undo::default(),
            text: Text::Own,
            awaits_copy: false,
        };
        let executed = || Expect::Execute(Box::new(run()));
        for (expected, last) in [
            (vec![Expect::Query([run()].into())], true),
            (vec![Expect::Query([run(), run()].into())], false),
            (vec![Expect::Query([run()].into()), Expect::Query([run()].into())], false),
            (vec![executed(), Expect::Sync], true),
            (vec![executed(), executed(), Expect::Sync], false),
            (vec![executed(), Expect::Sync, Expect::Bind(Undo::default())], false),
            (vec![Expect::Sync], false),
            (vec![], false),
        ] {
            let queue = queue(expected);
            assert_eq!(queue.ends_here(), last, "{queue:?}");
        }
    }

    #[test]
    fn only_a_complete_cycle_drains_by_itself() {
        assert!(!queue(vec![Expect::DescribePortal(None)]).drains_by_itself());
        assert!(queue(vec![Expect::DescribePortal(None), Expect::Sync]).drains_by_itself());
        assert!(queue(vec![Expect::Query([].into())]).drains_by_itself());
    }
}

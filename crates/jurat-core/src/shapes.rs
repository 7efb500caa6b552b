//! Decisions on statements that differ in their literals only.
//!
//! A policy that does not read the text of a statement cannot tell two texts apart of which all other
//! facts are the same, so the decision on one of them is the decision on the other.

use std::{collections::HashMap, sync::Arc};

use jurat_audit::DecisionModel;
use jurat_types::{Decision, Protocol, StatementFacts};

use crate::prepared::ReadStatement;

/// Shapes that a session remembers; then it begins anew.
const SHAPES_MAX: usize = 128;

/// The decisions of one session by the shape of the statement.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    /// By fingerprint; whether it is the same shape is then compared.
    shapes: HashMap<Box<str>, Vec<Shape>>,
    count: usize,
}

/// A decision on every statement of one shape.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// A statement of the shape, the same one for all sessions. Its text, and the digest of that, do not count.
    pub(crate) read: Arc<ReadStatement>,
    /// The way it came, and whether it ran by its name.
    pub(crate) way: (Protocol, bool),
    /// The revision that decided.
    pub(crate) revision: Arc<str>,
    /// The freeze under which it decided, as in [`crate::prepared::VerdictKey`].
    pub(crate) freeze: u64,
    pub(crate) decision: Arc<Decision>,
    pub(crate) model: Arc<DecisionModel>,
}

impl Shapes {
    pub(crate) fn find(
        &self,
        facts: &StatementFacts,
        way: (Protocol, bool),
        (revision, freeze): (&str, u64),
    ) -> Option<&Shape> {
        let shape = self.shapes.get(facts.fingerprint.as_str())?.iter().find(|s| s.way == way)?;
        let in_force = shape.freeze == freeze && *shape.revision == *revision;
        let (_, by_name) = way;
        (in_force && same(shape.read.facts(by_name), facts)).then_some(shape)
    }

    pub(crate) fn remember(&mut self, shape: Shape) {
        if self.count >= SHAPES_MAX {
            self.forget();
        }
        let (_, by_name) = shape.way;
        let fingerprint = shape.read.facts(by_name).fingerprint.as_str().into();
        let known = self.shapes.entry(fingerprint).or_default();
        let before = known.len();
        known.retain(|other| other.way != shape.way);
        known.push(shape);
        self.count = self.count.saturating_add(known.len().saturating_sub(before));
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Whether all facts are the same but for the text and its digest. The protocol is part of the key.
pub(crate) fn same(a: &StatementFacts, b: &StatementFacts) -> bool {
    let StatementFacts {
        parsed,
        unparsed_reason,
        protocol: _,
        index,
        count,
        kind,
        class,
        text: _,
        fingerprint,
        sha256: _,
        has_where,
        where_always_true,
        limit,
        returning,
        executes,
        data_modifying_cte,
        dynamic_sql,
        relations,
        columns,
        functions,
        outputs,
        settings,
        settings_kept,
        unresolved,
        parameters,
        estimate,
        actual,
    } = a;
    (parsed, unparsed_reason, kind, class) == (&b.parsed, &b.unparsed_reason, &b.kind, &b.class)
        && (index, count, fingerprint) == (&b.index, &b.count, &b.fingerprint)
        && (has_where, where_always_true, limit) == (&b.has_where, &b.where_always_true, &b.limit)
        && (returning, executes) == (&b.returning, &b.executes)
        && (data_modifying_cte, dynamic_sql) == (&b.data_modifying_cte, &b.dynamic_sql)
        && are_same(relations, &b.relations)
        && are_same(columns, &b.columns)
        && are_same(functions, &b.functions)
        && are_same(outputs, &b.outputs)
        && (settings, settings_kept) == (&b.settings, &b.settings_kept)
        && *unresolved == b.unresolved
        && (parameters.count, &parameters.values) == (b.parameters.count, &b.parameters.values)
        && (estimate, actual) == (&b.estimate, &b.actual)
}

/// Texts that came out of one mold have the same lists in memory.
fn are_same<T: PartialEq>(a: &Arc<[T]>, b: &Arc<[T]>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

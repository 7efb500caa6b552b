//! UNION, INTERSECT, EXCEPT, and recursion over them.

use jurat_types::{ColumnMode, ColumnRole};
use sqlparser::ast::{Query, SetExpr, SetOperator, SetQuantifier};

use super::{Stop, Walker};
use crate::scope::Shape;

/// How often a recursive query is walked until its lineage is stable. Every round adds at least one
/// source to one column, and real queries need two.
const ROUNDS_MAX: usize = 8;

impl Walker<'_> {
    pub(super) fn set_operation(
        &mut self,
        left: &mut SetExpr,
        operator: SetOperator,
        quantifier: SetQuantifier,
        right: &mut SetExpr,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        let left = self.body(left, None, role)?;
        let right = self.body(right, None, role)?;
        self.united(&left, operator, quantifier, &right)
    }

    fn united(
        &mut self,
        left: &Shape,
        operator: SetOperator,
        quantifier: SetQuantifier,
        right: &Shape,
    ) -> Result<Shape, Stop> {
        let shape = left.union(right).ok_or_else(|| {
            Stop::unsupported("a set operation over different numbers of columns")
        })?;
        let compares = match (operator, quantifier) {
            (SetOperator::Union, SetQuantifier::All) => false,
            (
                SetOperator::Union | SetOperator::Except | SetOperator::Intersect,
                SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None,
            ) => true,
            (SetOperator::Minus, _)
            | (
                _,
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName,
            ) => return Err(Stop::unsupported("a set operation that PostgreSQL does not have")),
        };
        if compares {
            // Which rows are equal shows in the result, as with DISTINCT.
            self.record(&shape.all_sources(), ColumnRole::Distinct, ColumnMode::Derived);
        }
        Ok(shape)
    }

    /// A WITH RECURSIVE query that may name itself in its second part.
    pub(super) fn recursive_query(
        &mut self,
        query: &mut Query,
        place: usize,
        columns: &[String],
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        let renamed = |shape: &Shape| {
            shape
                .renamed(columns)
                .ok_or_else(|| Stop::unsupported("more column names than columns"))
        };
        self.facts.gathering.note();
        let Query { with: None, body, .. } = query else {
            return Err(Stop::unsupported("WITH inside a recursive query"));
        };
        let SetExpr::SetOperation { left, right, .. } = &**body else {
            return Err(Stop::unsupported("this form of a recursive query"));
        };
        // The lineage of the query depends on itself: walk copies until nothing is added. The masks
        // stay away from the copies, and what the copies record is what the real walk records too.
        let masks = self.masks.take();
        let result = (|| {
            let mut shape = self.body(&mut left.clone(), None, role)?;
            for _ in 0..ROUNDS_MAX {
                if let Some(cte) = self.ctes.get_mut(place) {
                    cte.shape = Some(renamed(&shape)?);
                }
                let step = self.body(&mut right.clone(), None, role)?;
                let next = shape.union(&step).ok_or_else(|| {
                    Stop::unsupported("a set operation over different numbers of columns")
                })?;
                if next == shape {
                    return Ok(());
                }
                shape = next;
            }
            Err(Stop::unsupported("a recursive query of this depth"))
        })();
        self.masks = masks;
        result?;
        self.query(query, role)
    }
}

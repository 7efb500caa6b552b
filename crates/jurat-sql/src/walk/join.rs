//! Joins: which columns they merge, and what ON can see.

use jurat_types::{ColumnMode, ColumnRole};
use sqlparser::ast::{Join, JoinConstraint, JoinOperator};

use super::from::Place;
use super::{Stop, Walker};
use crate::names::Naming;
use crate::scope::{Col, Item, Shape, merge};

impl Walker<'_> {
    /// Adds the right side of a join and the join itself, and says where the join is.
    pub(super) fn join(
        &mut self,
        start: Place,
        left: Place,
        join: &mut Join,
        role: ColumnRole,
    ) -> Result<Place, Stop> {
        let Join { relation, global: false, join_operator } = join else {
            return Err(Stop::unsupported("GLOBAL JOIN"));
        };
        let right = self.factor(relation, role)?;
        let constraint = match join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => constraint,
            JoinOperator::StraightJoin(constraint) if !self.naming.is_postgres() => constraint,
            JoinOperator::Semi(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::RightSemi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftAnti(_)
            | JoinOperator::RightAnti(_)
            | JoinOperator::CrossApply
            | JoinOperator::OuterApply
            | JoinOperator::AsOf { .. }
            | JoinOperator::StraightJoin(_)
            | JoinOperator::ArrayJoin
            | JoinOperator::LeftArrayJoin
            | JoinOperator::InnerArrayJoin => {
                return Err(Stop::unsupported("a kind of join that PostgreSQL does not have"));
            }
        };
        let merged = match constraint {
            JoinConstraint::On(_) | JoinConstraint::None => Vec::new(),
            JoinConstraint::Using(columns) => {
                let mut merged = Vec::with_capacity(columns.len());
                for column in columns {
                    let parts = self.naming.parts(column)?;
                    let [name] = parts.as_slice() else {
                        return Err(Stop::unsupported("a qualified name in USING"));
                    };
                    merged.push(name.clone());
                }
                merged
            }
            JoinConstraint::Natural => self.common_names(left, right)?,
        };
        let shape = self.joined_shape(left, right, &merged)?;
        for place in [left, right] {
            if let Some(item) = self.item_mut(place) {
                item.cols_visible = false;
            }
        }
        let place = self.add_item(Item {
            alias: None,
            relation: None,
            schema_visible: false,
            shape,
            relation_visible: false,
            cols_visible: true,
            masked: false,
        })?;
        if let JoinConstraint::On(condition) = constraint {
            let outer = self.limit_visibility(start);
            let result = self.expr(condition, ColumnRole::Join);
            self.limit_visibility(outer);
            result?;
        }
        Ok(place)
    }

    fn item_mut(&mut self, place: Place) -> Option<&mut Item> {
        self.scopes.last_mut()?.items.get_mut(place)
    }

    fn shape_at(&self, place: Place) -> Result<Shape, Stop> {
        self.scopes
            .last()
            .and_then(|scope| scope.items.get(place))
            .map(|item| item.shape.clone())
            .ok_or_else(|| Stop::unsupported("a join without entries"))
    }

    /// Entries before `from` cannot be seen any more; the result is the bound before.
    fn limit_visibility(&mut self, from: Place) -> Place {
        match self.scopes.last_mut() {
            Some(scope) => std::mem::replace(&mut scope.visible_from, from),
            None => 0,
        }
    }

    /// The columns that NATURAL merges.
    fn common_names(&self, left: Place, right: Place) -> Result<Vec<String>, Stop> {
        let (left, right) = (self.shape_at(left)?, self.shape_at(right)?);
        if left.open.is_some() || right.open.is_some() {
            return Err(Stop::unsupported("NATURAL JOIN with a function"));
        }
        Ok(left
            .cols
            .iter()
            .filter(|col| {
                right.cols.iter().any(|other| self.naming.same_column(&other.name, &col.name))
            })
            .map(|col| col.name.to_string())
            .collect())
    }

    /// The columns of a join: merged ones first, then the rest of both sides.
    fn joined_shape(
        &mut self,
        left: Place,
        right: Place,
        merged: &[String],
    ) -> Result<Shape, Stop> {
        let (left, right) = (self.shape_at(left)?, self.shape_at(right)?);
        let mut cols = Vec::with_capacity(left.cols.len().saturating_add(right.cols.len()));
        for name in merged {
            let (one, two) =
                (single(&left, name, self.naming)?, single(&right, name, self.naming)?);
            for col in [&one, &two] {
                if col.masked.is_some() {
                    let shape = Shape::closed(vec![col.clone()]);
                    return Err(super::in_place::in_place(&shape, "USING or NATURAL"));
                }
                let mode = if col.direct { ColumnMode::Direct } else { ColumnMode::Derived };
                self.record(&col.sources, ColumnRole::Join, mode);
            }
            cols.push(Col {
                name: name.as_str().into(),
                sources: merge(&one.sources, &two.sources),
                direct: one.direct && two.direct,
                row: one.row,
                opaque: one.opaque || two.opaque,
                masked: None,
            });
        }
        for col in left.cols.iter().chain(right.cols.iter()) {
            if !merged.iter().any(|name| self.naming.same_column(name, &col.name)) {
                cols.push(col.clone());
            }
        }
        let open = match (&left.open, &right.open) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (Some(one), Some(two)) => Some(merge(one, two)),
        };
        let mut shape = Shape::closed(cols);
        shape.open = open;
        shape.opaque = left.opaque || right.opaque;
        Ok(shape)
    }
}

/// The one column of that name on one side of USING.
fn single(shape: &Shape, name: &str, naming: Naming) -> Result<Col, Stop> {
    let mut hits = shape.cols.iter().filter(|col| naming.same_column(&col.name, name));
    match (hits.next(), hits.next(), &shape.open) {
        (Some(col), None, _) => Ok(col.clone()),
        (None, _, Some(open)) => Ok(Col { opaque: shape.opaque, ..Col::any(name, open) }),
        (Some(_), Some(_), _) => Err(Stop::unsupported(format!("the ambiguous column `{name}`"))),
        (None, _, None) => Err(Stop::unresolved("column", name)),
    }
}

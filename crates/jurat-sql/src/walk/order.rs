//! ORDER BY, GROUP BY and DISTINCT ON: names and numbers that stand for result columns.

use jurat_types::ColumnRole;
use sqlparser::ast::{Expr, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Value as Literal};

use super::expr::inner;
use super::{Stop, Value, Walker};
use crate::names;
use crate::scope::{Col, Shape};

/// Which of two meanings of a bare name goes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Prefer {
    /// A result column (ORDER BY, DISTINCT ON).
    Output,
    /// A column of FROM (GROUP BY).
    Input,
}

impl Walker<'_> {
    /// The ORDER BY of a query whose result columns are `outputs`.
    pub(super) fn order_by(&mut self, order_by: &mut OrderBy, outputs: &Shape) -> Result<(), Stop> {
        let OrderBy { kind: OrderByKind::Expressions(exprs), interpolate: None } = order_by else {
            return Err(Stop::unsupported("ORDER BY ALL"));
        };
        for order in exprs {
            let OrderByExpr { expr, options: _, with_fill: _ } = order;
            if self.output(expr, outputs, ColumnRole::Order, Prefer::Output)? {
                Self::order_options(order)?;
                self.order_operator(order)?;
            } else {
                self.order_expr(order, ColumnRole::Order)?;
            }
        }
        Ok(())
    }

    /// One expression of an ORDER BY that cannot name a result column.
    pub(super) fn order_expr(
        &mut self,
        order: &mut OrderByExpr,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        Self::order_options(order)?;
        self.order_operator(order)?;
        self.expr(&mut order.expr, role)
    }

    fn order_options(order: &OrderByExpr) -> Result<(), Stop> {
        if order.with_fill.is_some() {
            return Err(Stop::unsupported("WITH FILL"));
        }
        Ok(())
    }

    fn order_operator(&mut self, order: &OrderByExpr) -> Result<(), Stop> {
        match &order.options.sort {
            None | Some(OrderBySort::Asc | OrderBySort::Desc) => Ok(()),
            Some(OrderBySort::Using(operator)) => {
                let parts = names::parts_of_label(operator)?;
                match parts.as_slice() {
                    [name] => {
                        self.custom_operator(name);
                        Ok(())
                    }
                    _ => Err(Stop::unsupported("ORDER BY USING OPERATOR()")),
                }
            }
        }
    }

    /// Whether an expression stands for a result column; its use is written down then.
    pub(super) fn output(
        &mut self,
        expr: &Expr,
        outputs: &Shape,
        role: ColumnRole,
        prefer: Prefer,
    ) -> Result<bool, Stop> {
        let expr = inner(expr);
        let found: Vec<Col> = if let Expr::Value(value) = expr {
            let Literal::Number(number, _) = &value.value else { return Ok(false) };
            let place = number.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
            match (place.and_then(|place| outputs.cols.get(place)), &outputs.open) {
                (Some(col), None) => vec![col.clone()],
                // A function's columns may stand before it.
                (_, Some(_)) => {
                    let value = super::expr::sources_of(outputs);
                    vec![Self::col("?column?", &value)]
                }
                (None, None) => return Err(Stop::unresolved("result column", number.as_str())),
            }
        } else if let Expr::Identifier(ident) = expr {
            let name = self.naming.name(ident)?;
            let cols = outputs.cols.iter();
            let named: Vec<Col> =
                cols.filter(|col| self.naming.same_column(&col.name, &name)).cloned().collect();
            if prefer == Prefer::Input {
                match self.is_local_column(&name) {
                    Ok(true) => return Ok(false),
                    Ok(false) => {}
                    // Where several tables have it, MySQL and MariaDB take the result column.
                    Err(_) if !self.naming.is_postgres() && !named.is_empty() => {}
                    Err(stop) => return Err(stop),
                }
            }
            named
        } else {
            return Ok(false);
        };
        for col in &found {
            self.use_col(col, role, true);
        }
        Ok(!found.is_empty())
    }
}

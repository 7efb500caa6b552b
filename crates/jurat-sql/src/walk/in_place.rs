//! Masks written where a column is used, for relations that no derived table can stand in for.
//!
//! The target of a write must stay what it is, TABLESAMPLE and system columns want a table, and a query
//! grouped by a primary key may show the other columns of the table only as long as it is one. There
//! the column itself carries the mask ([`Col::masked`]), and every reference to it is replaced by the mask over
//! that reference. What cannot be replaced is refused.

use std::rc::Rc;

use jurat_types::{ColumnId, RelationName};
use sqlparser::ast::{Expr, Ident, SelectItem};

use super::{Stop, Walker};
use crate::mask::RewriteError;
use crate::scope::{Col, Item, Masked, Shape};

/// Where masks are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// Into derived tables, and in place where these would not do.
    Usual,
    /// Into derived tables wherever there can be one.
    Derived,
    /// In place.
    InPlace,
}

impl Walker<'_> {
    /// The columns of a relation that stays in the text, the masked ones marked.
    pub(super) fn marked_shape(&self, name: &RelationName, shape: &Shape) -> Result<Shape, Stop> {
        let Some(masks) = self.masks else { return Ok(shape.clone()) };
        let mut cols: Vec<Col> = shape.cols.to_vec();
        for (column, refused) in masks.in_place(name, self.catalog)? {
            for col in cols.iter_mut().filter(|col| *col.name == *column) {
                let column = ColumnId::new(name.clone(), column.clone());
                col.masked = Some(Rc::new(Masked { column, refused: refused.clone() }));
            }
        }
        Ok(Shape { cols: Rc::from(cols), ..shape.clone() })
    }

    /// The mask over a reference to a marked column.
    pub(super) fn masked_reference(&self, masked: &Masked, reference: &str) -> Result<Expr, Stop> {
        let Some(masks) = self.masks else {
            return Err(Stop::unsupported("a mask where none is asked for"));
        };
        if let Some(refused) = &masked.refused {
            return Err(Stop::Mask(refused.clone()));
        }
        let text = masks.expression(&masked.column, reference, self.catalog)?;
        masks.expression_of(&text, self.naming.engine)
    }

    /// The row that a reference stands for, with its marked columns masked: a query of one row around it.
    pub(super) fn masked_row(&self, shape: &Shape, reference: &[Ident]) -> Result<Expr, Stop> {
        let Some(masks) = self.masks else {
            return Err(Stop::unsupported("a mask where none is asked for"));
        };
        let [.., alias] = reference else { return Err(Stop::unsupported("an empty name")) };
        let mut items = Vec::with_capacity(shape.cols.len());
        for col in shape.cols.iter() {
            let label = self.naming.sql(&col.name);
            let operand = format!("{alias}.{label}");
            let value = match col.masked.as_deref() {
                None => operand,
                Some(Masked { refused: Some(refused), .. }) => {
                    return Err(Stop::Mask(refused.clone()));
                }
                Some(Masked { column, refused: None }) => {
                    masks.expression(column, &operand, self.catalog)?
                }
            };
            items.push(format!("{value} AS {label}"));
        }
        let text = format!("(SELECT {alias} FROM (SELECT {}) AS {alias})", items.join(", "));
        masks.expression_of(&text, self.naming.engine)
    }

    /// The items that `*` or `t.*` stands for, where one of their columns is marked; nothing where none is.
    pub(super) fn masked_star(&self, items: &[Item]) -> Result<Option<Vec<SelectItem>>, Stop> {
        if !items.iter().any(|item| item.shape.has_marks()) {
            return Ok(None);
        }
        let mut expanded = Vec::new();
        for item in items {
            let Some(alias) = item.alias.as_deref().filter(|_| item.relation_visible) else {
                return Err(in_place(&item.shape, "`*` over a join"));
            };
            if item.shape.open.is_some() {
                return Err(in_place(&item.shape, "`*` over a function"));
            }
            for col in item.shape.cols.iter() {
                let reference = vec![self.naming.ident(alias), self.naming.ident(&col.name)];
                expanded.push(match &col.masked {
                    None => SelectItem::UnnamedExpr(Expr::CompoundIdentifier(reference)),
                    Some(masked) => {
                        let text = Expr::CompoundIdentifier(reference).to_string();
                        SelectItem::ExprWithAlias {
                            expr: self.masked_reference(masked, &text)?,
                            alias: self.naming.ident(&col.name),
                        }
                    }
                });
            }
        }
        Ok(Some(expanded))
    }

    /// Refuses a use of a row in which no mask can be written.
    pub(super) fn unmarked(shape: &Shape, place: &'static str) -> Result<(), Stop> {
        if shape.has_marks() { Err(in_place(shape, place)) } else { Ok(()) }
    }
}

/// A use of marked columns in which no mask can be written.
pub(super) fn in_place(shape: &Shape, place: &'static str) -> Stop {
    let marked = shape.cols.iter().find_map(|col| col.masked.as_deref());
    let column = marked.map_or_else(String::new, |masked| masked.column.to_string());
    Stop::Mask(RewriteError::InPlace { column, place })
}

//! Values that were bound, in a question: sent beside it as they came, or literals of its tree.
//!
//! A value never becomes part of a text that is then parsed.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Statement as Node, UnaryOperator, Value as Literal, visit_expressions_mut,
};

use crate::tree::Tree;

/// Where the values of a statement's parameters are.
#[derive(Clone, Copy, Debug)]
pub enum BoundValues<'a> {
    /// In its text, if anywhere.
    InText,
    /// Beside the question, as they came: so many (PostgreSQL).
    Beside(usize),
    /// In the question, as literals made of what a person reads (MySQL and MariaDB): `NULL`, digits, or a text in
    /// single quotes, doubled where they are inside.
    Written(&'a [String]),
}

/// Why there is no question.
pub(super) const PARAMETERS: &str = "the values of its parameters are not in its text";
const UNWRITABLE: &str = "a value of its parameters cannot be written down";
const MISCOUNTED: &str = "its parameters are not as many as its values";

/// One more operator in a tree, bytes of stack.
const OPERATOR_STACK_BYTES: usize = 16 << 10;

/// Puts values in the place of the parameters of a tree, in their order.
pub(super) fn write(tree: &mut Tree, values: BoundValues<'_>) -> Result<(), &'static str> {
    let BoundValues::Written(values) = values else { return Ok(()) };
    let literals: Option<Vec<Expr>> = values.iter().map(|shown| literal(shown)).collect();
    let mut literals = literals.ok_or(UNWRITABLE)?.into_iter();
    tree.deepen(OPERATOR_STACK_BYTES);
    let all = tree.with(|node| {
        let met = visit_expressions_mut(node, |expr| {
            if is_placeholder(expr) {
                match literals.next() {
                    Some(literal) => *expr = literal,
                    None => return ControlFlow::Break(()),
                }
            }
            ControlFlow::Continue(())
        });
        met.is_continue() && literals.next().is_none()
    });
    if all == Some(true) { Ok(()) } else { Err(MISCOUNTED) }
}

/// Counts the parameters anew that a question has kept of its statement, and gives back which they were, by their
/// places from 0.
pub(super) fn renumber(
    node: &mut Node,
    values: BoundValues<'_>,
) -> Result<Vec<usize>, &'static str> {
    let mut kept: Vec<usize> = Vec::new();
    let BoundValues::Beside(count) = values else { return Ok(kept) };
    let met = visit_expressions_mut(node, |expr| {
        let Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let Literal::Placeholder(name) = &mut value.value else {
            return ControlFlow::Continue(());
        };
        let digits = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let Some(of) = digits.and_then(|n| n.checked_sub(1)).filter(|of| *of < count) else {
            return ControlFlow::Break(());
        };
        let at = kept.iter().position(|known| *known == of).unwrap_or_else(|| {
            kept.push(of);
            kept.len().saturating_sub(1)
        });
        *name = format!("${}", at.saturating_add(1));
        ControlFlow::Continue(())
    });
    if met.is_continue() { Ok(kept) } else { Err(MISCOUNTED) }
}

fn is_placeholder(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Literal::Placeholder(_)))
}

/// What a person reads, as a literal of the raw tree of MySQL: quotes and backslashes have a backslash before them.
fn literal(shown: &str) -> Option<Expr> {
    let value = |literal: Literal| Some(Expr::Value(literal.into()));
    if shown == "NULL" {
        return value(Literal::Null);
    }
    if let Some(text) = shown.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        let text = text.replace("''", "'");
        let raw = text.replace('\\', "\\\\").replace('\'', "\\'");
        return if text.contains('\0') { None } else { value(Literal::SingleQuotedString(raw)) };
    }
    let digits = shown.strip_prefix('-').unwrap_or(shown);
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !number || digits.matches('.').count() > 1 {
        return None;
    }
    let number = value(Literal::Number(digits.to_owned(), false))?;
    Some(if digits.len() == shown.len() {
        number
    } else {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) }
    })
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn a_value_becomes_one_literal_or_none() {
        for (shown, written) in [
            ("NULL", Some("NULL")),
            ("'NULL'", Some("'NULL'")),
            ("'it''s'", Some(r"'it\'s'")),
            (r"'\'' OR 1=1 #'", Some(r"'\\\' OR 1=1 #'")),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("1.5", Some("1.5")),
            ("'2026-02-03'", Some("'2026-02-03'")),
            ("'a\0b'", None),
            ("0xff00", None),
            ("inf", None),
            ("NaN", None),
            ("1.", None),
            ("1.2.3", None),
            ("Time { hour: 1 }", None),
            ("", None),
        ] {
            let found = literal(shown).map(|expr| expr.to_string());
            assert_eq!(found.as_deref(), written, "{shown}");
        }
    }
}

//! Conditions that hold for every row, whatever is in it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is not known to be true, which is the answer for any new variant"
)]

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

/// Whether a condition is certainly true for every row. `false` means "not known to be".
pub(crate) fn always_true(condition: &Expr) -> bool {
    truth(condition) == Some(true)
}

/// The truth of a condition, where it does not depend on data.
fn truth(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Nested(inner) => truth(inner),
        Expr::Value(value) => match &value.value {
            Value::Boolean(truth) => Some(*truth),
            // Of MySQL and MariaDB; PostgreSQL takes no number for a condition.
            Value::Number(number, _) => number.parse::<f64>().ok().map(|number| number != 0.0),
            Value::SingleQuotedString(text) => boolean_text(text),
            _ => None,
        },
        Expr::Cast { expr, .. } => truth(expr),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => truth(expr).map(|truth| !truth),
        Expr::IsTrue(inner) | Expr::IsNotFalse(inner) => truth(inner),
        Expr::IsFalse(inner) | Expr::IsNotTrue(inner) => truth(inner).map(|truth| !truth),
        Expr::IsNotNull(inner) => constant(inner).map(|_| true),
        Expr::IsNull(inner) => constant(inner).map(|_| false),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::And => match (truth(left), truth(right)) {
                (Some(true), Some(true)) => Some(true),
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true) | None, None) | (None, Some(true)) => None,
            },
            BinaryOperator::Or => match (truth(left), truth(right)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                (Some(false) | None, None) | (None, Some(false)) => None,
            },
            _ => comparison(left, op, right),
        },
        Expr::InList { expr, list, negated } => {
            let value = constant(expr)?;
            let found = list.iter().any(|item| constant(item).is_some_and(|item| item == value));
            found.then_some(!negated)
        }
        Expr::Between { expr, negated, low, high } => {
            let (value, low, high) = (number(expr)?, number(low)?, number(high)?);
            Some((low <= value && value <= high) != *negated)
        }
        Expr::Like { negated, pattern, expr, .. } | Expr::ILike { negated, pattern, expr, .. } => {
            // `'x' LIKE '%'`; a column can be NULL, which the caller cannot rule out either.
            (constant(expr).is_some() && constant(pattern)? == "'%'").then_some(!negated)
        }
        _ => None,
    }
}

/// Compares two constants.
fn comparison(left: &Expr, operator: &BinaryOperator, right: &Expr) -> Option<bool> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return match operator {
            BinaryOperator::Eq => Some((left - right).abs() < f64::EPSILON),
            BinaryOperator::NotEq => Some((left - right).abs() >= f64::EPSILON),
            BinaryOperator::Lt => Some(left < right),
            BinaryOperator::LtEq => Some(left <= right),
            BinaryOperator::Gt => Some(left > right),
            BinaryOperator::GtEq => Some(left >= right),
            _ => None,
        };
    }
    let (left, right) = (constant(left)?, constant(right)?);
    match operator {
        BinaryOperator::Eq => Some(left == right),
        BinaryOperator::NotEq => Some(left != right),
        _ => None,
    }
}

/// A number, also of a sum or product of numbers.
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Nested(inner) => number(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => number(expr).map(|number| -number),
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (number(left)?, number(right)?);
            match op {
                BinaryOperator::Plus => Some(left + right),
                BinaryOperator::Minus => Some(left - right),
                BinaryOperator::Multiply => Some(left * right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A literal other than NULL, as text that is equal for equal literals of one kind.
fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Cast { expr, .. } => constant(expr),
        Expr::Value(value) => match &value.value {
            Value::Null | Value::Placeholder(_) => None,
            _ => Some(value.value.to_string()),
        },
        _ => None,
    }
}

/// What PostgreSQL makes of a string where a boolean is expected.
fn boolean_text(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Some(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => Some(false),
        _ => None,
    }
}

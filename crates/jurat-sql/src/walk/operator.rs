//! Operators: those of `pg_catalog` do nothing but compute; any other may run a user's function.

use jurat_types::FunctionClass;
use sqlparser::ast::{BinaryOperator, UnaryOperator};

use super::{Stop, Walker};
use crate::catalog_index::SYSTEM_SCHEMA;
use crate::keywords::is_system_operator;

impl Walker<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm per variant is what makes it exhaustive")]
    pub(super) fn binary_operator(&mut self, operator: &BinaryOperator) -> Result<(), Stop> {
        if !self.naming.is_postgres() {
            return mysql_operator(operator);
        }
        match operator {
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
            | BinaryOperator::StringConcat
            | BinaryOperator::Gt
            | BinaryOperator::Lt
            | BinaryOperator::GtEq
            | BinaryOperator::LtEq
            | BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::And
            | BinaryOperator::Or
            | BinaryOperator::BitwiseOr
            | BinaryOperator::BitwiseAnd
            | BinaryOperator::PGBitwiseXor
            | BinaryOperator::PGBitwiseShiftLeft
            | BinaryOperator::PGBitwiseShiftRight
            | BinaryOperator::PGExp
            | BinaryOperator::PGOverlap
            | BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::PGRegexNotMatch
            | BinaryOperator::PGRegexNotIMatch
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch
            | BinaryOperator::PGNotLikeMatch
            | BinaryOperator::PGNotILikeMatch
            | BinaryOperator::PGStartsWith
            | BinaryOperator::Arrow
            | BinaryOperator::LongArrow
            | BinaryOperator::HashArrow
            | BinaryOperator::HashLongArrow
            | BinaryOperator::AtAt
            | BinaryOperator::AtArrow
            | BinaryOperator::ArrowAt
            | BinaryOperator::HashMinus
            | BinaryOperator::AtQuestion
            | BinaryOperator::Question
            | BinaryOperator::QuestionAnd
            | BinaryOperator::QuestionPipe
            | BinaryOperator::Overlaps
            | BinaryOperator::DoubleHash
            | BinaryOperator::LtDashGt
            | BinaryOperator::AndLt
            | BinaryOperator::AndGt
            | BinaryOperator::LtLtPipe
            | BinaryOperator::PipeGtGt
            | BinaryOperator::AndLtPipe
            | BinaryOperator::PipeAndGt
            | BinaryOperator::LtCaret
            | BinaryOperator::GtCaret
            | BinaryOperator::QuestionHash
            | BinaryOperator::QuestionDash
            | BinaryOperator::QuestionDashPipe
            | BinaryOperator::QuestionDoublePipe
            | BinaryOperator::TildeEq => Ok(()),
            BinaryOperator::Custom(name) => {
                self.custom_operator(name);
                Ok(())
            }
            BinaryOperator::PGCustomBinaryOperator(parts) => match parts.as_slice() {
                [schema, name] if schema == SYSTEM_SCHEMA && is_system_operator(name) => Ok(()),
                [.., name] => {
                    self.unknown_operator(name);
                    Ok(())
                }
                [] => Err(Stop::unsupported("OPERATOR()")),
            },
            BinaryOperator::Spaceship => {
                self.unknown_operator("<=>");
                Ok(())
            }
            BinaryOperator::At => {
                self.unknown_operator("@");
                Ok(())
            }
            BinaryOperator::Xor
            | BinaryOperator::BitwiseXor
            | BinaryOperator::DuckIntegerDivide
            | BinaryOperator::MyIntegerDivide
            | BinaryOperator::Match
            | BinaryOperator::Regexp
            | BinaryOperator::Glob
            | BinaryOperator::Assignment => {
                Err(Stop::unsupported("an operator that PostgreSQL does not have"))
            }
        }
    }

    pub(super) fn unary_operator(&mut self, operator: UnaryOperator) -> Result<(), Stop> {
        match operator {
            UnaryOperator::BangNot if !self.naming.is_postgres() => Ok(()),
            UnaryOperator::AtDashAt
            | UnaryOperator::BitwiseNot
            | UnaryOperator::DoubleAt
            | UnaryOperator::Hash
            | UnaryOperator::Plus
            | UnaryOperator::Minus
            | UnaryOperator::Not
            | UnaryOperator::PGAbs
            | UnaryOperator::PGCubeRoot
            | UnaryOperator::PGSquareRoot
            | UnaryOperator::PGPrefixFactorial
            | UnaryOperator::QuestionDash
            | UnaryOperator::QuestionPipe => Ok(()),
            // PostgreSQL 14 removed postfix operators, and `!` alone is NOT in other databases only.
            UnaryOperator::PGPostfixFactorial | UnaryOperator::BangNot => {
                Err(Stop::unsupported("the operator `!`"))
            }
        }
    }

    /// An operator without a schema.
    pub(crate) fn custom_operator(&mut self, name: &str) {
        if !is_system_operator(name) {
            self.unknown_operator(name);
        }
    }

    fn unknown_operator(&mut self, name: &str) {
        self.facts.function(&format!("operator {name}"), FunctionClass::Unknown);
    }
}

/// The operators of MySQL and MariaDB; users cannot add any.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is refused, which is the answer for any new variant"
)]
fn mysql_operator(operator: &BinaryOperator) -> Result<(), Stop> {
    match operator {
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::Gt
        | BinaryOperator::Lt
        | BinaryOperator::GtEq
        | BinaryOperator::LtEq
        | BinaryOperator::Spaceship
        | BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::Xor
        | BinaryOperator::BitwiseOr
        | BinaryOperator::BitwiseAnd
        | BinaryOperator::BitwiseXor
        | BinaryOperator::PGBitwiseShiftLeft
        | BinaryOperator::PGBitwiseShiftRight
        | BinaryOperator::Arrow
        | BinaryOperator::LongArrow
        | BinaryOperator::Regexp => Ok(()),
        BinaryOperator::Custom(name) if name == "DIV" => Ok(()),
        _ => Err(Stop::unsupported("an operator in the statement")),
    }
}

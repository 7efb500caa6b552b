//! The parser's dialect for MySQL and MariaDB: the parser's own, with what it leaves out.

use std::any::TypeId;

use sqlparser::ast::{
    DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, Interval, ObjectName, Statement,
};
use sqlparser::dialect::{Dialect, MySqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::words;

/// MySQL's dialect with intervals of two units and with `!`.
#[derive(Debug)]
pub(crate) struct Mysql;

const BASE: MySqlDialect = MySqlDialect {};

impl Dialect for Mysql {
    // The parser asks in many places whether the dialect is MySQL's.
    fn dialect(&self) -> TypeId {
        TypeId::of::<MySqlDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        BASE.parse_infix(parser, expr, precedence)
    }

    fn parse_statement(&self, _parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        // Statements that are no queries and no writes are read by their words.
        None
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let first = parser.peek_token_ref().token.clone();
        if is_word(&first, "binary") {
            return Some(binary(parser));
        }
        let behind = parser.peek_nth_token_ref(1).token.clone();
        if matches!(&behind, Token::Number(..)) && is_introducer(&first) {
            return Some(binary(parser));
        }
        is_word(&first, "interval").then(|| interval(parser))
    }

    // The parser asks behind the word, so that it is the one before the next.
    fn is_column_alias(&self, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        !is_reserved(kw) && BASE.is_column_alias(kw, parser)
    }

    fn is_table_factor_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        !is_reserved(kw) && BASE.is_table_factor_alias(explicit, kw, parser)
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_create_table_select(&self) -> bool {
        true
    }

    fn supports_insert_set(&self) -> bool {
        true
    }

    fn supports_table_hints(&self) -> bool {
        true
    }

    fn supports_match_against(&self) -> bool {
        true
    }

    fn supports_select_modifiers(&self) -> bool {
        true
    }

    fn supports_update_order_by(&self) -> bool {
        true
    }

    fn supports_data_type_signed_suffix(&self) -> bool {
        true
    }

    fn supports_cross_join_constraint(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }
}

fn is_word(token: &Token, expected: &str) -> bool {
    if let Token::Word(word) = token {
        word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected)
    } else {
        false
    }
}

/// Whether a key word of the parser is one that can be no name.
fn is_reserved(keyword: &Keyword) -> bool {
    *keyword != Keyword::NoKeyword
        && words::is_reserved(&format!("{keyword:?}").to_ascii_lowercase())
}

/// `INTERVAL x DAY`, `INTERVAL x MINUTE_SECOND`, and the function `INTERVAL(a, b)`.
fn interval(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let name = parser.parse_identifier()?;
    let value = if parser.peek_token_ref().token == Token::LParen {
        parser.parse_prefix()?
    } else {
        parser.parse_expr()?
    };
    let unit = parser.peek_token_ref().token.clone();
    let Token::Word(word) = unit else {
        return call(name, value);
    };
    if word.quote_style.is_some() || !is_unit(&word.value) {
        return call(name, value);
    }
    let unit = parser.parse_identifier()?;
    Ok(Expr::Interval(Interval {
        value: Box::new(value),
        leading_field: Some(DateTimeField::Custom(unit)),
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

/// Whether a word says in which character set the bytes behind it are: `_utf8mb4 0xC3A4`.
fn is_introducer(token: &Token) -> bool {
    if let Token::Word(word) = token {
        word.quote_style.is_none() && word.value.starts_with('_')
    } else {
        false
    }
}

/// `BINARY x`, `_utf8mb4 0x…`: printed as it came, because the parser's own reading of it takes in what stands behind `x`.
fn binary(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let prefix = parser.parse_identifier()?;
    let value = Box::new(parser.parse_prefix()?);
    Ok(Expr::Prefixed { prefix, value })
}

/// Whether an interval can be of this.
pub(super) fn is_unit(word: &str) -> bool {
    UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
}

/// What an interval can be of.
const UNITS: &[&str] = &[
    "day",
    "day_hour",
    "day_microsecond",
    "day_minute",
    "day_second",
    "hour",
    "hour_microsecond",
    "hour_minute",
    "hour_second",
    "microsecond",
    "minute",
    "minute_microsecond",
    "minute_second",
    "month",
    "quarter",
    "second",
    "second_microsecond",
    "week",
    "year",
    "year_month",
];

/// The function of that name: the place of a number in a list.
fn call(name: Ident, value: Expr) -> Result<Expr, ParserError> {
    let Expr::Tuple(arguments) = value else {
        return Err(ParserError::ParserError("an interval without a unit".to_owned()));
    };
    let args = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Ok(Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

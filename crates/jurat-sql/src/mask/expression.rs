//! The expression that masks one column: built-in, qualified, and of the column's own type. It depends on
//! nothing but the value, and fails on none.

use std::collections::BTreeMap;

use jurat_types::{Column, ColumnMask, Engine, MaskMethod};
use serde_json::Value;

use super::family::{Family, Type, given, redacted};
use super::{RewriteError, mysql};

/// What stands where characters are taken out. Its length says nothing about theirs.
pub(super) const STARS: &str = "***";
/// How many hexadecimal digits a token keeps.
pub(super) const TOKEN_DIGITS: u64 = 16;
/// What a token of text begins with.
pub(super) const TOKEN: &str = "tok_";
/// More characters than any mask keeps.
const KEEP_MAX: u64 = 1000;
/// What an element of an array is called.
const ELEMENT: &str = "jurat_element";

/// The SQL expression for a masked column; `name` is how the column is written where the mask stands.
///
/// # Errors
/// Where the method has a parameter that it does not know, or of another type.
pub(super) fn of(
    mask: &ColumnMask,
    column: &Column,
    name: &str,
    engine: Engine,
) -> Result<String, RewriteError> {
    let params = Params { mask, params: &mask.params };
    params.only(match mask.method {
        MaskMethod::Null | MaskMethod::Redact => &[],
        MaskMethod::Detect => &["kinds"],
        MaskMethod::Partial => &["keep_first", "keep_last", "keep_domain"],
        MaskMethod::Hash | MaskMethod::Tokenize => &["salt"],
        MaskMethod::DateTrunc => &["to"],
    })?;
    let data_type = column.base_type.as_ref().unwrap_or(&column.data_type);
    if !engine.is_postgres() {
        return mysql::of(&params, data_type, name, engine);
    }
    let kind = Type::of(data_type);
    let element = data_type.strip_suffix("[]").unwrap_or(data_type);
    let mask = Mask { kind, element, params };
    let masked = if kind.array { mask.array(name)? } else { mask.value(name)? };
    Ok(match masked {
        None => format!("CAST(NULL AS {data_type})"),
        Some(masked) => {
            format!("CAST(CASE WHEN {name} IS NULL THEN NULL ELSE {masked} END AS {data_type})")
        }
    })
}

/// A mask for values of one type.
struct Mask<'m> {
    kind: Type,
    /// The type of a value, or of an element.
    element: &'m str,
    params: Params<'m>,
}

impl Mask<'_> {
    /// What stands for a value that is not NULL; `None` for NULL.
    fn value(&self, name: &str) -> Result<Option<String>, RewriteError> {
        let Self { kind, element, params } = self;
        let salt = || params.text("salt");
        Ok(match given(params.mask.method, kind.family) {
            MaskMethod::Null => None,
            MaskMethod::Detect | MaskMethod::Redact => redacted(kind.family).map(|text| {
                let of = if kind.family == Family::Text { "text" } else { element };
                format!("CAST('{text}' AS {of})")
            }),
            MaskMethod::Partial => Some(partial(name, params)?),
            MaskMethod::DateTrunc => Some(truncated(kind.family, params, name)?),
            MaskMethod::Tokenize => Some(digested(*kind, &salt()?, name, true)),
            MaskMethod::Hash => Some(digested(*kind, &salt()?, name, false)),
        })
    }

    /// An array has as many masked elements as it had, in one dimension; redacted it is empty.
    fn array(&self, name: &str) -> Result<Option<String>, RewriteError> {
        let method = self.params.mask.method;
        if method == MaskMethod::Null {
            return Ok(None);
        }
        let meant = method != MaskMethod::Redact && given(method, self.kind.family) == method;
        let element = if meant { self.value(ELEMENT)? } else { None };
        Ok(Some(match element {
            None => format!("CAST('{{}}' AS {}[])", self.element),
            Some(element) => format!(
                "ARRAY(SELECT CASE WHEN {ELEMENT} IS NULL THEN NULL ELSE {element} END \
                 FROM pg_catalog.unnest({name}) AS jurat_array ({ELEMENT}))"
            ),
        }))
    }
}

/// The beginning of the year, month or day. Those are UTC's, whatever the session's time zone is.
fn truncated(family: Family, params: &Params<'_>, name: &str) -> Result<String, RewriteError> {
    let to = params.text("to")?;
    if !["year", "month", "day"].contains(&to.as_str()) {
        return Err(params.malformed("`to` must be year, month or day"));
    }
    let to = quoted(&to);
    Ok(if family == Family::Zoned {
        format!(
            "pg_catalog.timezone('UTC', pg_catalog.date_trunc({to}, pg_catalog.timezone('UTC', {name})))"
        )
    } else if family == Family::Date {
        format!("pg_catalog.date_trunc({to}, CAST({name} AS timestamp without time zone))")
    } else {
        format!("pg_catalog.date_trunc({to}, {name})")
    })
}

/// The salted SHA-256 of a value as a value of the type: a token is a short one.
fn digested(kind: Type, salt: &str, name: &str, short: bool) -> String {
    let salted = |value: &str| {
        let salt = format!("pg_catalog.convert_to({}, 'UTF8')", quoted(salt));
        format!("pg_catalog.sha256({})", concat(&[&salt, value]))
    };
    let of_text = salted(&format!("pg_catalog.convert_to(CAST({name} AS text), 'UTF8')"));
    let hex = format!("pg_catalog.encode({of_text}, 'hex')");
    let first = |count: u64| format!("pg_catalog.substr({hex}, 1, {count})");
    let bits = |count: u64, bits: u64| {
        format!("CAST({} AS bit({bits}))", concat(&[&quoted("x"), &first(count)]))
    };
    match kind.family {
        Family::Text => match kind.length {
            Some(length) if length <= 64 && !(short && length >= TOKEN_DIGITS + 4) => {
                first(length.min(if short { TOKEN_DIGITS } else { length }))
            }
            Some(_) | None if short => concat(&[&quoted(TOKEN), &first(TOKEN_DIGITS)]),
            Some(_) | None => hex,
        },
        // Fewer bits than the type has, so that the number is never negative.
        Family::Integer(2) => format!("CAST({} AS integer)", bits(3, 12)),
        Family::Integer(4) => format!("CAST({} AS integer)", bits(7, 28)),
        Family::Integer(_) => format!("CAST({} AS bigint)", bits(15, 60)),
        Family::Numeric(digits) => {
            let most = 10_u64.saturating_pow(digits);
            format!("pg_catalog.mod(CAST({} AS bigint), CAST({most} AS bigint))", bits(15, 60))
        }
        Family::Float => format!("CAST({} AS bigint)", bits(13, 52)),
        Family::Real => format!("CAST({} AS integer)", bits(6, 24)),
        Family::Uuid => first(32),
        Family::Json => {
            let text = if short { concat(&[&quoted(TOKEN), &first(TOKEN_DIGITS)]) } else { hex };
            concat(&[&quoted("\""), &text, &quoted("\"")])
        }
        Family::Bytea if short => format!("pg_catalog.substr({}, 1, 8)", salted(name)),
        Family::Bytea => salted(name),
        Family::Money
        | Family::Date
        | Family::Timestamp
        | Family::Zoned
        | Family::Time
        | Family::TimeZoned
        | Family::Interval
        | Family::Boolean
        | Family::Inet
        | Family::Year
        | Family::Other => "NULL".to_owned(),
    }
}

/// Some characters stay at both ends. What is too short to hide anything is hidden as a whole.
fn partial(name: &str, params: &Params<'_>) -> Result<String, RewriteError> {
    let text = format!("CAST({name} AS text)");
    let keep_domain = params.flag("keep_domain")?;
    let (keep_first, keep_last) = params.kept()?;
    if keep_domain {
        // Everything from the first `@` on stays; without one nothing does.
        let short = format!(
            "CASE WHEN pg_catalog.strpos({text}, '@') OPERATOR(pg_catalog.>) {} THEN {} ELSE {} END",
            keep_first.saturating_add(1),
            concat(&[
                &format!("pg_catalog.\"left\"({text}, {keep_first})"),
                &quoted(STARS),
                &format!("pg_catalog.substr({text}, pg_catalog.strpos({text}, '@'))"),
            ]),
            quoted(STARS)
        );
        return Ok(short);
    }
    let least = keep_first.saturating_add(keep_last).saturating_add(2);
    Ok(format!(
        "CASE WHEN pg_catalog.char_length({text}) OPERATOR(pg_catalog.<) {least} THEN {} ELSE {} END",
        quoted(STARS),
        concat(&[
            &format!("pg_catalog.\"left\"({text}, {keep_first})"),
            &quoted(STARS),
            // `right(x, 0)` is the empty text.
            &format!("pg_catalog.\"right\"({text}, {keep_last})"),
        ])
    ))
}

/// Texts, one behind the other.
fn concat(parts: &[&str]) -> String {
    format!("({})", parts.join(" OPERATOR(pg_catalog.||) "))
}

/// A string literal. `standard_conforming_strings` is pinned, so only the quote is special.
fn quoted(text: &str) -> String {
    format!("CAST('{}' AS text)", text.replace('\'', "''"))
}

/// The parameters of a mask.
pub(super) struct Params<'p> {
    pub(super) mask: &'p ColumnMask,
    params: &'p BTreeMap<String, Value>,
}

impl Params<'_> {
    pub(super) fn malformed(&self, reason: &str) -> RewriteError {
        RewriteError::Mask { column: self.mask.column.to_string(), reason: reason.to_owned() }
    }

    /// Refuses what the method does not know: a typing error must not weaken a mask.
    fn only(&self, known: &[&str]) -> Result<(), RewriteError> {
        match self.params.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.malformed(&format!("unknown parameter `{name}`"))),
            None => Ok(()),
        }
    }

    /// How many characters `partial` keeps at the beginning and at the end.
    pub(super) fn kept(&self) -> Result<(u64, u64), RewriteError> {
        let last = self.number("keep_last")?;
        let first = self.number("keep_first")?.unwrap_or_else(|| u64::from(last.is_none()));
        Ok((first, last.unwrap_or(0)))
    }

    fn number(&self, name: &str) -> Result<Option<u64>, RewriteError> {
        match self.params.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if number <= KEEP_MAX => Ok(Some(number)),
                Some(_) | None => Err(self.malformed(&format!("`{name}` must be a small number"))),
            },
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, RewriteError> {
        match self.params.get(name) {
            None => Ok(false),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.malformed(&format!("`{name}` must be a boolean"))),
        }
    }

    /// A text; absent is empty.
    pub(super) fn text(&self, name: &str) -> Result<String, RewriteError> {
        match self.params.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) if !text.contains('\0') => Ok(text.clone()),
            Some(
                Value::String(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_),
            ) => Err(self.malformed(&format!("`{name}` must be a text"))),
        }
    }
}

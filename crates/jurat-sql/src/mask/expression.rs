//! The expression that masks one column: built-in, immutable, qualified, and of the column's own type.

use std::collections::BTreeMap;

use jurat_types::{Column, ColumnMask, MaskMethod};
use serde_json::Value;

use super::RewriteError;

/// What stands where characters are taken out. Its length says nothing about theirs.
const STARS: &str = "***";
/// How many hexadecimal digits a token keeps.
const TOKEN_DIGITS: u64 = 16;
/// More characters than any mask keeps.
const KEEP_MAX: u64 = 1000;

/// The SQL expression for a masked column; `name` is how the column is called there.
///
/// # Errors
/// Where the method has a parameter that it does not know, or of another type.
pub(super) fn of(mask: &ColumnMask, column: &Column, name: &str) -> Result<String, RewriteError> {
    let params = Params { mask, params: &mask.params };
    let family = Family::of(&column.data_type);
    let masked = match mask.method {
        MaskMethod::Null => {
            params.only(&[])?;
            None
        }
        MaskMethod::Redact => {
            params.only(&[])?;
            family.is_text().then(|| quoted(STARS))
        }
        MaskMethod::Partial => {
            params.only(&["keep_first", "keep_last", "keep_domain"])?;
            let expression = partial(name, &params)?;
            family.is_text().then_some(expression)
        }
        MaskMethod::Hash => {
            params.only(&["salt"])?;
            let hash = digest(name, &params.text("salt")?);
            family.is_text().then_some(hash)
        }
        MaskMethod::Tokenize => {
            params.only(&["salt"])?;
            let hash = digest(name, &params.text("salt")?);
            let token = concat(&[
                &quoted("tok_"),
                &format!("pg_catalog.substr({hash}, 1, {TOKEN_DIGITS})"),
            ]);
            family.is_text().then_some(token)
        }
        MaskMethod::DateTrunc => {
            params.only(&["to"])?;
            let to = params.text("to")?;
            if !["year", "month", "day"].contains(&to.as_str()) {
                return Err(params.malformed("`to` must be year, month or day"));
            }
            match family {
                Family::Text | Family::Other => None,
                // Months and days are those of UTC, whatever the session's time zone is: the
                // expression stays immutable.
                Family::Zoned => Some(format!(
                    "pg_catalog.timezone('UTC', pg_catalog.date_trunc({}, pg_catalog.timezone('UTC', {name})))",
                    quoted(&to)
                )),
                Family::Date => Some(format!(
                    "pg_catalog.date_trunc({}, CAST({name} AS timestamp without time zone))",
                    quoted(&to)
                )),
            }
        }
    };
    let data_type = &column.data_type;
    Ok(match masked {
        None => format!("CAST(NULL AS {data_type})"),
        Some(masked) => {
            format!("CAST(CASE WHEN {name} IS NULL THEN NULL ELSE {masked} END AS {data_type})")
        }
    })
}

/// What can be done with values of a type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Family {
    Text,
    Date,
    Zoned,
    Other,
}

impl Family {
    fn of(data_type: &str) -> Self {
        let base = data_type.split('(').next().unwrap_or(data_type).trim();
        if data_type.ends_with("[]") {
            return Self::Other;
        }
        match base {
            "text" | "character varying" | "varchar" | "character" | "char" | "bpchar" | "name"
            | "citext" | "public.citext" => Self::Text,
            "date" | "timestamp without time zone" | "timestamp" => Self::Date,
            "timestamp with time zone" | "timestamptz" => Self::Zoned,
            _ if data_type.starts_with("timestamp") => {
                if data_type.ends_with("with time zone") {
                    Self::Zoned
                } else {
                    Self::Date
                }
            }
            _ => Self::Other,
        }
    }

    const fn is_text(self) -> bool {
        matches!(self, Self::Text)
    }
}

/// Some characters stay at both ends. What is too short to hide anything is hidden as a whole.
fn partial(name: &str, params: &Params<'_>) -> Result<String, RewriteError> {
    let text = format!("CAST({name} AS text)");
    let keep_domain = params.flag("keep_domain")?;
    let keep_last = params.number("keep_last")?;
    let keep_first = params.number("keep_first")?.unwrap_or_else(|| u64::from(keep_last.is_none()));
    let keep_last = keep_last.unwrap_or(0);
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

/// The salted SHA-256 of a value, in hexadecimal digits.
fn digest(name: &str, salt: &str) -> String {
    let salted = concat(&[&quoted(salt), &format!("CAST({name} AS text)")]);
    format!("pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to({salted}, 'UTF8')), 'hex')")
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
struct Params<'p> {
    mask: &'p ColumnMask,
    params: &'p BTreeMap<String, Value>,
}

impl Params<'_> {
    fn malformed(&self, reason: &str) -> RewriteError {
        RewriteError::Mask { column: self.mask.column.to_string(), reason: reason.to_owned() }
    }

    /// Refuses what the method does not know: a typing error must not weaken a mask.
    fn only(&self, known: &[&str]) -> Result<(), RewriteError> {
        match self.params.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.malformed(&format!("unknown parameter `{name}`"))),
            None => Ok(()),
        }
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

    fn flag(&self, name: &str) -> Result<bool, RewriteError> {
        match self.params.get(name) {
            None => Ok(false),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.malformed(&format!("`{name}` must be a boolean"))),
        }
    }

    /// A text; absent is empty.
    fn text(&self, name: &str) -> Result<String, RewriteError> {
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

//! The expressions that mask a column of MySQL or MariaDB: built-in functions only, which depend on nothing
//! but the value. They neither fail nor warn for any value, under any `sql_mode`, time zone or collation.

use jurat_types::{Engine, MaskMethod};

use super::RewriteError;
use super::expression::{Params, STARS, TOKEN, TOKEN_DIGITS};
use super::family::{Family, given, redacted};

/// A type as masks see it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Type {
    pub(super) family: Family,
    /// How many characters or bytes fit; `None` where there is no bound that matters.
    length: Option<u64>,
    /// Digits behind the point of a number, or of the seconds.
    fraction: u64,
    /// All digits of a number.
    precision: u64,
    unsigned: bool,
    /// Whether values always have their full length.
    fixed: bool,
}

impl Type {
    /// Reads a type as `COLUMN_TYPE` has it: `int(10) unsigned`, `varchar(80)`, `datetime(3)`.
    pub(super) fn of(data_type: &str, engine: Engine) -> Self {
        let lower = data_type.to_ascii_lowercase();
        let base = lower.split(['(', ' ']).next().unwrap_or_default();
        let inside = lower.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let mut numbers = inside
            .map(|(numbers, _)| numbers)
            .unwrap_or_default()
            .split(',')
            .map(|number| number.trim().parse::<u64>().ok());
        let first = numbers.next().flatten();
        let second = numbers.next().flatten();
        let plain = Self {
            family: Family::Other,
            length: None,
            fraction: 0,
            precision: 0,
            unsigned: lower.split(' ').any(|word| word == "unsigned" || word == "zerofill"),
            fixed: false,
        };
        let sized = |family, length| Self { family, length, ..plain };
        match base {
            "char" => Self { fixed: true, ..sized(Family::Text, first.or(Some(1))) },
            "varchar" => sized(Family::Text, first.or(Some(1))),
            "tinytext" => sized(Family::Text, Some(63)),
            "text" | "mediumtext" | "longtext" => sized(Family::Text, None),
            "binary" => Self { fixed: true, ..sized(Family::Bytea, first.or(Some(1))) },
            "varbinary" => sized(Family::Bytea, first.or(Some(1))),
            "tinyblob" | "blob" | "mediumblob" | "longblob" => sized(Family::Bytea, None),
            "tinyint" => sized(Family::Integer(1), None),
            "smallint" => sized(Family::Integer(2), None),
            "mediumint" => sized(Family::Integer(3), None),
            "int" => sized(Family::Integer(4), None),
            "bigint" => sized(Family::Integer(8), None),
            "decimal" => {
                let (precision, fraction) = (first.unwrap_or(10), second.unwrap_or(0));
                let whole = precision.saturating_sub(fraction).min(15);
                let family = Family::Numeric(u32::try_from(whole).unwrap_or(0));
                Self { family, precision, fraction, ..plain }
            }
            "float" => sized(Family::Real, None),
            "double" => sized(Family::Float, None),
            "date" => sized(Family::Date, None),
            "datetime" => Self { family: Family::Timestamp, fraction: first.unwrap_or(0), ..plain },
            "timestamp" => Self { family: Family::Zoned, fraction: first.unwrap_or(0), ..plain },
            "time" => Self { family: Family::Time, fraction: first.unwrap_or(0), ..plain },
            "year" => sized(Family::Year, None),
            "uuid" if engine == Engine::Mariadb => sized(Family::Uuid, None),
            "inet4" | "inet6" if engine == Engine::Mariadb => sized(Family::Inet, None),
            "json" if engine == Engine::Mysql => sized(Family::Json, None),
            // MariaDB's JSON is a text with a check.
            "json" if engine == Engine::Mariadb => sized(Family::Text, None),
            _ => plain,
        }
    }

    /// What CAST makes of an expression of this type; nothing where the expression is as good as it gets.
    fn cast_to(self) -> Option<String> {
        let fraction =
            if self.fraction == 0 { String::new() } else { format!("({})", self.fraction) };
        Some(match self.family {
            Family::Integer(_) | Family::Year if self.unsigned || self.family == Family::Year => {
                "UNSIGNED".to_owned()
            }
            Family::Integer(_) => "SIGNED".to_owned(),
            Family::Numeric(_) => format!("DECIMAL({},{})", self.precision, self.fraction),
            Family::Date => "DATE".to_owned(),
            Family::Timestamp | Family::Zoned => format!("DATETIME{fraction}"),
            Family::Time => format!("TIME{fraction}"),
            Family::Json => "JSON".to_owned(),
            Family::Uuid => "UUID".to_owned(),
            Family::Bytea => match self.length {
                Some(length) if self.fixed => format!("BINARY({length})"),
                Some(_) | None => "BINARY".to_owned(),
            },
            Family::Text
            | Family::Float
            | Family::Real
            | Family::Inet
            | Family::Year
            | Family::Money
            | Family::TimeZoned
            | Family::Interval
            | Family::Boolean
            | Family::Other => return None,
        })
    }
}

/// The SQL expression for a masked column; `name` is how the column is written where the mask stands.
///
/// # Errors
/// Where the method has a parameter of another type.
pub(super) fn of(
    params: &Params<'_>,
    data_type: &str,
    name: &str,
    engine: Engine,
) -> Result<String, RewriteError> {
    let kind = Type::of(data_type, engine);
    let cast = |value: &str| match kind.cast_to() {
        Some(to) => format!("CAST({value} AS {to})"),
        None => value.to_owned(),
    };
    // Under PAD_CHAR_TO_FULL_LENGTH a CHAR comes with the blanks that fill it.
    let padded = kind.fixed && kind.family == Family::Text;
    let value = if padded { format!("RTRIM({name})") } else { name.to_owned() };
    let text = match (given(params.mask.method, kind.family), kind.family) {
        (MaskMethod::Null, _) => None,
        (MaskMethod::Detect | MaskMethod::Redact, _) => hidden(kind, data_type),
        (MaskMethod::Partial, _) => Some(shortened(&partial(&value, params)?, kind.length)),
        (MaskMethod::DateTrunc, family) => Some(truncated(family, params, name)?),
        (MaskMethod::Tokenize, _) => Some(digested(kind, &params.text("salt")?, &value, true)),
        (MaskMethod::Hash, _) => Some(digested(kind, &params.text("salt")?, &value, false)),
    };
    Ok(match text {
        None => null(kind),
        Some(text) => {
            format!("CASE WHEN {name} IS NULL THEN NULL ELSE {} END", cast(&text))
        }
    })
}

/// What stands for a value that is redacted, as SQL; `None` where nothing can.
fn hidden(kind: Type, data_type: &str) -> Option<String> {
    let text = redacted(kind.family)?;
    let number = matches!(kind.family, Family::Integer(_) | Family::Year | Family::Numeric(_));
    Some(if matches!(kind.family, Family::Float | Family::Real) {
        "0e0".to_owned()
    } else if number {
        text.to_owned()
    } else if kind.family == Family::Zoned {
        quoted("1970-01-01 00:00:00")
    } else if data_type.eq_ignore_ascii_case("inet6") {
        quoted("::")
    } else {
        quoted(&cut(text, kind.length))
    })
}

/// NULL of a type.
fn null(kind: Type) -> String {
    format!("CAST(NULL AS {})", kind.cast_to().unwrap_or_else(|| "CHAR".to_owned()))
}

/// The first characters of one of our own texts.
fn cut(text: &str, length: Option<u64>) -> String {
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    text.chars().take(length).collect()
}

/// A text that fits, so that no cast has to cut it and warn.
fn shortened(text: &str, length: Option<u64>) -> String {
    match length {
        Some(length) => format!("LEFT({text}, {length})"),
        None => text.to_owned(),
    }
}

/// The beginning of the year, month or day. Those of a TIMESTAMP are UTC's: in the session's time zone a
/// client could move the time zone until the day changes, and know the hour.
fn truncated(family: Family, params: &Params<'_>, name: &str) -> Result<String, RewriteError> {
    let to = params.text("to")?;
    let start = |date: &str| match to.as_str() {
        "year" => Ok(format!("{date} - INTERVAL (DAYOFYEAR({date}) - 1) DAY")),
        "month" => Ok(format!("{date} - INTERVAL (DAYOFMONTH({date}) - 1) DAY")),
        "day" => Ok(date.to_owned()),
        _ => Err(params.malformed("`to` must be year, month or day")),
    };
    Ok(if family == Family::Zoned {
        let epoch = "CAST('1970-01-01 00:00:00' AS DATETIME)";
        let utc = format!("DATE({epoch} + INTERVAL FLOOR(UNIX_TIMESTAMP({name})) SECOND)");
        format!("FROM_UNIXTIME(TIMESTAMPDIFF(SECOND, {epoch}, {}))", start(&utc)?)
    } else if family == Family::Date {
        start(name)?
    } else {
        start(&format!("DATE({name})"))?
    })
}

/// The salted SHA-256 of a value as a value of the type: a token is a short one.
fn digested(kind: Type, salt: &str, name: &str, short: bool) -> String {
    // In one character set, so that equal texts in two columns have equal tokens.
    let of_text = format!("CONCAT({}, CONVERT({name} USING utf8mb4))", quoted(salt));
    let hex = format!("SHA2({of_text}, 256)");
    let first = |count: u64| format!("LEFT({hex}, {count})");
    let number = |digits: u64| format!("CAST(CONV({}, 16, 10) AS UNSIGNED)", first(digits));
    let token = || format!("CONCAT({}, {})", quoted(TOKEN), first(TOKEN_DIGITS));
    match kind.family {
        Family::Text => match kind.length {
            Some(length) if length <= 64 && !(short && length >= TOKEN_DIGITS + 4) => {
                first(length.min(if short { TOKEN_DIGITS } else { length }))
            }
            Some(_) | None if short => token(),
            Some(_) | None => hex,
        },
        // Fewer bits than the type has, so that the number is never negative.
        Family::Integer(1) => format!("({} DIV 2)", number(2)),
        Family::Integer(2) => number(3),
        Family::Integer(3) => number(5),
        Family::Integer(4) => number(7),
        Family::Integer(_) => number(15),
        Family::Numeric(digits) => {
            format!("MOD({}, {})", number(15), 10_u64.saturating_pow(digits))
        }
        Family::Float => format!("({} + 0e0)", number(13)),
        Family::Real => format!("({} + 0e0)", number(6)),
        // MariaDB takes no other version and variant for granted.
        Family::Uuid => format!(
            "CONCAT({}, '4', SUBSTRING({hex}, 14, 3), '8', SUBSTRING({hex}, 18, 15))",
            first(12)
        ),
        Family::Json => {
            let text = if short { token() } else { hex };
            format!("CONCAT('\"', {text}, '\"')")
        }
        Family::Bytea => {
            let of_bytes = format!("CONCAT(CAST({} AS BINARY), {name})", quoted(salt));
            let most = if short { 8 } else { 32 };
            let length = kind.length.unwrap_or(most).min(most);
            format!("LEFT(UNHEX(SHA2({of_bytes}, 256)), {length})")
        }
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
    let (keep_first, keep_last) = params.kept()?;
    let stars = quoted(STARS);
    if params.flag("keep_domain")? {
        // Everything from the first `@` on stays; without one nothing does.
        return Ok(format!(
            "CASE WHEN LOCATE('@', {name}) > {} \
             THEN CONCAT(LEFT({name}, {keep_first}), {stars}, SUBSTRING({name}, LOCATE('@', {name}))) \
             ELSE {stars} END",
            keep_first.saturating_add(1)
        ));
    }
    let least = keep_first.saturating_add(keep_last).saturating_add(2);
    Ok(format!(
        "CASE WHEN CHAR_LENGTH({name}) < {least} THEN {stars} \
         ELSE CONCAT(LEFT({name}, {keep_first}), {stars}, RIGHT({name}, {keep_last})) END"
    ))
}

/// A string literal. The lexical flags of `sql_mode` are pinned, so backslashes are special.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use jurat_types::Engine;

    use super::{Type, quoted};
    use crate::mask::family::Family;

    #[test]
    fn types_are_read_as_the_servers_write_them() {
        for (data_type, family, cast) in [
            ("int(10) unsigned", Family::Integer(4), Some("UNSIGNED")),
            ("int", Family::Integer(4), Some("SIGNED")),
            ("tinyint(1)", Family::Integer(1), Some("SIGNED")),
            ("bigint(20) unsigned zerofill", Family::Integer(8), Some("UNSIGNED")),
            ("varchar(80)", Family::Text, None),
            ("decimal(10,2)", Family::Numeric(8), Some("DECIMAL(10,2)")),
            ("decimal(2,2) unsigned", Family::Numeric(0), Some("DECIMAL(2,2)")),
            ("double", Family::Float, None),
            ("float(7,4)", Family::Real, None),
            ("datetime(3)", Family::Timestamp, Some("DATETIME(3)")),
            ("timestamp", Family::Zoned, Some("DATETIME")),
            ("time(6)", Family::Time, Some("TIME(6)")),
            ("year(4)", Family::Year, Some("UNSIGNED")),
            ("binary(16)", Family::Bytea, Some("BINARY(16)")),
            ("longblob", Family::Bytea, Some("BINARY")),
            ("enum('int','a(1)')", Family::Other, None),
            ("set('date')", Family::Other, None),
            ("bit(8)", Family::Other, None),
            ("point", Family::Other, None),
        ] {
            for engine in [Engine::Mysql, Engine::Mariadb] {
                let read = Type::of(data_type, engine);
                assert_eq!((read.family, read.cast_to().as_deref()), (family, cast), "{data_type}");
            }
        }
        for (data_type, mysql, mariadb) in [
            ("json", Family::Json, Family::Text),
            ("uuid", Family::Other, Family::Uuid),
            ("inet6", Family::Other, Family::Inet),
        ] {
            assert_eq!(Type::of(data_type, Engine::Mysql).family, mysql);
            assert_eq!(Type::of(data_type, Engine::Mariadb).family, mariadb);
        }
    }

    #[test]
    fn a_literal_holds_nothing_but_the_text() {
        assert_eq!(quoted("it's"), r"'it\'s'");
        assert_eq!(quoted(r"\'; --"), r"'\\\'; --'");
    }
}

//! Functions that SQLite does not have and canonical texts, masks and clients use.
//!
//! A failure inside of one begins with its SQLSTATE, which [`crate::failure`] takes apart again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use md5::Digest as _;
use ring::{digest, rand::SecureRandom as _};
use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::{Value, ValueRef},
};

use crate::{failure::Failure, matching, time, tokens::Dialect};

/// What a function gives: NULL where an argument is NULL.
type Given = Result<Option<Value>, Failure>;

/// What a function is given.
type Arguments<'a> = &'a [Argument];

/// One argument, never NULL.
pub(crate) struct Argument(Value);

impl Argument {
    /// As text, whatever it is.
    fn text(&self) -> String {
        match &self.0 {
            Value::Null => String::new(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.0 {
            Value::Blob(bytes) => bytes.clone(),
            Value::Null | Value::Integer(_) | Value::Real(_) | Value::Text(_) => {
                self.text().into_bytes()
            }
        }
    }

    fn integer(&self) -> Result<i64, Failure> {
        match &self.0 {
            Value::Integer(number) => Ok(*number),
            #[expect(clippy::cast_possible_truncation, reason = "Rust's casts of floats saturate")]
            Value::Real(number) => Ok(number.round() as i64),
            Value::Null | Value::Text(_) | Value::Blob(_) => {
                let text = self.text();
                text.trim().parse().map_err(|_error| {
                    let said = format!("invalid input syntax for type integer: \"{text}\"");
                    Failure::new("22P02", said)
                })
            }
        }
    }

    /// A length or a position, which nobody needs beyond 1 GiB.
    fn count(&self) -> Result<usize, Failure> {
        Ok(usize::try_from(self.integer()?.clamp(0, 1 << 30)).unwrap_or(0))
    }
}

fn argument(arguments: Arguments<'_>, at: usize) -> Result<&Argument, Failure> {
    arguments.get(at).ok_or_else(|| Failure::new("42883", "an argument is missing"))
}

#[expect(clippy::unnecessary_wraps, reason = "what every function gives")]
fn text(text: impl Into<String>) -> Given {
    Ok(Some(Value::Text(text.into())))
}

#[expect(clippy::unnecessary_wraps, reason = "what every function gives")]
fn integer(number: i64) -> Given {
    Ok(Some(Value::Integer(number)))
}

fn length(count: usize) -> Given {
    integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Name, number of arguments (-1 for any), and what it does.
type Function = (&'static str, i32, fn(Arguments<'_>) -> Given);

/// Both protocols know these.
const COMMON: &[Function] = &[
    ("md5", 1, |a| text(hex(&md5::Md5::digest(argument(a, 0)?.bytes())))),
    ("left", 2, |a| text(left(&argument(a, 0)?.text(), argument(a, 1)?.integer()?))),
    ("right", 2, |a| text(right(&argument(a, 0)?.text(), argument(a, 1)?.integer()?))),
    ("char_length", 1, |a| length(argument(a, 0)?.text().chars().count())),
    ("character_length", 1, |a| length(argument(a, 0)?.text().chars().count())),
    ("lpad", 3, |a| pad(a, true)),
    ("rpad", 3, |a| pad(a, false)),
    ("repeat", 2, repeat),
    ("reverse", 1, |a| text(argument(a, 0)?.text().chars().rev().collect::<String>())),
    ("mod", 2, |a| match argument(a, 1)?.integer()? {
        0 => Ok(None),
        by => integer(argument(a, 0)?.integer()?.wrapping_rem(by)),
    }),
    ("regexp", 2, |a| regex(a, false)),
    ("match", 2, |a| regex(a, true)),
    ("playground_sleep", 1, sleep),
];

/// Functions of PostgreSQL.
const POSTGRES: &[Function] = &[
    ("like", 2, |a| like(a, false)),
    ("like", 3, |a| like(a, false)),
    ("glob", 2, |a| like(a, true)),
    ("glob", 3, |a| like(a, true)),
    ("sha256", 1, |a| {
        let digest = digest::digest(&digest::SHA256, &argument(a, 0)?.bytes());
        Ok(Some(Value::Blob(digest.as_ref().to_vec())))
    }),
    ("convert_to", 2, |a| text(argument(a, 0)?.text())),
    ("encode", 2, encode),
    ("strpos", 2, |a| length(position(&argument(a, 0)?.text(), &argument(a, 1)?.text()))),
    ("split_part", 3, split_part),
    ("starts_with", 2, |a| {
        let (whole, start) = (argument(a, 0)?.text(), argument(a, 1)?.text());
        integer(i64::from(whole.starts_with(&start)))
    }),
    ("initcap", 1, |a| text(initcap(&argument(a, 0)?.text()))),
    ("now", 0, |_| text(format!("{}+00", time::write(time::now())))),
    ("date_trunc", 2, |a| {
        let given = argument(a, 1)?.text();
        let zone = if given.ends_with("+00") { "+00" } else { "" };
        let cut = time::truncate(&argument(a, 0)?.text(), time::read(&given)?)?;
        text(format!("{}{zone}", time::write(cut)))
    }),
    ("date_part", 2, |a| {
        let part = time::part(&argument(a, 0)?.text(), time::read(&argument(a, 1)?.text())?)?;
        Ok(Some(Value::Real(part)))
    }),
    ("gen_random_uuid", 0, |_| text(uuid()?)),
    // Casts, under names that no client uses.
    ("pg_int2", 1, |a| cast_integer(a, "smallint", i64::from(i16::MIN)..=i64::from(i16::MAX))),
    ("pg_int4", 1, |a| cast_integer(a, "integer", i64::from(i32::MIN)..=i64::from(i32::MAX))),
    ("pg_int8", 1, |a| cast_integer(a, "bigint", i64::MIN..=i64::MAX)),
    ("pg_bool", 1, cast_bool),
    ("pg_date", 1, |a| text(time::write_date(time::read(&argument(a, 0)?.text())?))),
    ("pg_timestamp", 1, |a| text(time::write(time::read(&argument(a, 0)?.text())?))),
    ("pg_timestamptz", 1, |a| {
        text(format!("{}+00", time::write(time::read(&argument(a, 0)?.text())?)))
    }),
    // What clients ask about the server and the session.
    ("version", 0, |_| text(crate::VERSION_POSTGRES)),
    ("current_database", 0, |_| text(crate::DATABASE)),
    ("current_schema", 0, |_| text("public")),
    ("current_schemas", 1, |_| text("[\"pg_catalog\",\"public\"]")),
    ("array_to_json", 1, |a| text(argument(a, 0)?.text())),
    ("pg_get_userbyid", 1, |_| text(crate::USER)),
    ("pg_table_is_visible", 1, |_| integer(1)),
    ("pg_is_in_recovery", 0, |_| integer(0)),
    ("pg_encoding_to_char", 1, |_| text("UTF8")),
    ("quote_ident", 1, |a| text(quote_ident(&argument(a, 0)?.text()))),
    ("pg_get_expr", -1, |a| text(argument(a, 0)?.text())),
    ("obj_description", -1, |_| Ok(None)),
    ("col_description", -1, |_| Ok(None)),
    ("shobj_description", -1, |_| Ok(None)),
];

/// Functions of MySQL.
const MYSQL: &[Function] = &[
    ("sha2", 2, |a| match argument(a, 1)?.integer()? {
        0 | 256 => text(hex(digest::digest(&digest::SHA256, &argument(a, 0)?.bytes()).as_ref())),
        512 => text(hex(digest::digest(&digest::SHA512, &argument(a, 0)?.bytes()).as_ref())),
        _ => Ok(None),
    }),
    ("sha1", 1, |a| {
        let bytes = argument(a, 0)?.bytes();
        text(hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes).as_ref()))
    }),
    ("concat", -1, |a| text(a.iter().map(Argument::text).collect::<String>())),
    ("locate", 2, |a| length(position(&argument(a, 1)?.text(), &argument(a, 0)?.text()))),
    ("substring_index", 3, substring_index),
    ("now", 0, |_| text(time::write(time::now()))),
    ("version", 0, |_| text(crate::VERSION_MYSQL)),
    ("database", 0, |_| text(crate::DATABASE)),
    ("schema", 0, |_| text(crate::DATABASE)),
    ("user", 0, |_| text(format!("{}@localhost", crate::USER))),
    ("current_user", 0, |_| text(format!("{}@localhost", crate::USER))),
    ("found_rows", 0, |_| integer(0)),
];

/// Gives a connection the functions of one dialect. `written` counts the rows that any session has
/// written; `id` is the session's.
///
/// # Errors
/// SQLite's.
pub(crate) fn register(
    connection: &Connection,
    dialect: Dialect,
    written: &Arc<AtomicU64>,
    id: i64,
) -> rusqlite::Result<()> {
    let own = match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::MySql => MYSQL,
    };
    for (name, arguments, function) in COMMON.iter().chain(own) {
        connection.create_scalar_function(*name, *arguments, flags(), move |context| {
            call(context, *function)
        })?;
    }
    let name = match dialect {
        Dialect::Postgres => "pg_backend_pid",
        Dialect::MySql => "connection_id",
    };
    connection.create_scalar_function(name, 0, flags(), move |_| Ok(id))?;
    let written = Arc::clone(written);
    connection.create_scalar_function("playground_rows_written", 0, flags(), move |_| {
        Ok(i64::try_from(written.load(Ordering::SeqCst)).unwrap_or(i64::MAX))
    })
}

const fn flags() -> FunctionFlags {
    FunctionFlags::SQLITE_UTF8
}

/// Calls a function with its arguments, or gives NULL where one is.
fn call(context: &Context<'_>, function: fn(Arguments<'_>) -> Given) -> Result<Value, Error> {
    let mut arguments = Vec::with_capacity(context.len());
    for at in 0..context.len() {
        match context.get_raw(at) {
            ValueRef::Null => return Ok(Value::Null),
            value @ (ValueRef::Integer(_)
            | ValueRef::Real(_)
            | ValueRef::Text(_)
            | ValueRef::Blob(_)) => arguments.push(Argument(Value::try_from(value)?)),
        }
    }
    function(&arguments).map(|value| value.unwrap_or(Value::Null)).map_err(|failure| {
        Error::UserFunctionError(format!("{}: {}", failure.sqlstate, failure.message).into())
    })
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as it has to be written, quoted where it must be.
pub(crate) fn quote_ident(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty()
        && name.chars().all(plain)
        && !name.starts_with(|c: char| c.is_ascii_digit())
    {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// How many characters a count from the end leaves.
fn kept(whole: &str, count: i64) -> usize {
    let all = whole.chars().count();
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 { all.saturating_sub(wanted) } else { wanted.min(all) }
}

fn left(whole: &str, count: i64) -> String {
    whole.chars().take(kept(whole, count)).collect()
}

fn right(whole: &str, count: i64) -> String {
    let all = whole.chars().count();
    whole.chars().skip(all.saturating_sub(kept(whole, count))).collect()
}

fn pad(a: Arguments<'_>, before: bool) -> Given {
    let (whole, wanted) = (argument(a, 0)?.text(), argument(a, 1)?.count()?);
    let filling = argument(a, 2)?.text();
    bounded(wanted)?;
    let missing = wanted.saturating_sub(whole.chars().count());
    let fill: String = filling.chars().cycle().take(missing).collect();
    let cut: String = whole.chars().take(wanted).collect();
    text(if before { format!("{fill}{cut}") } else { format!("{cut}{fill}") })
}

fn repeat(a: Arguments<'_>) -> Given {
    let (part, times) = (argument(a, 0)?.text(), argument(a, 1)?.count()?);
    bounded(part.len().saturating_mul(times))?;
    text(part.repeat(times))
}

/// What one value may grow to, bytes.
fn bounded(bytes: usize) -> Result<(), Failure> {
    if bytes > 16 << 20 { Err(Failure::new("54000", "the value is too long")) } else { Ok(()) }
}

fn regex(a: Arguments<'_>, any_case: bool) -> Given {
    let matches = matching::regex(&argument(a, 0)?.text(), &argument(a, 1)?.text(), any_case)?;
    integer(i64::from(matches))
}

fn like(a: Arguments<'_>, any_case: bool) -> Given {
    let (mut pattern, mut whole) = (argument(a, 0)?.text(), argument(a, 1)?.text());
    let escape = a.get(2).map_or(Some('\\'), |escape| escape.text().chars().next());
    if any_case {
        pattern = pattern.to_lowercase();
        whole = whole.to_lowercase();
    }
    integer(i64::from(matching::like(&pattern, &whole, escape)))
}

/// The position of the first character, from 1; 0 where it is not there.
fn position(whole: &str, part: &str) -> usize {
    whole.split_once(part).map_or(0, |(before, _)| before.chars().count().saturating_add(1))
}

fn encode(a: Arguments<'_>) -> Given {
    let bytes = argument(a, 0)?.bytes();
    match argument(a, 1)?.text().as_str() {
        "hex" => text(hex(&bytes)),
        other => Err(Failure::unsupported(format_args!("the encoding {other}"))),
    }
}

fn split_part(a: Arguments<'_>) -> Given {
    let (whole, separator) = (argument(a, 0)?.text(), argument(a, 1)?.text());
    let wanted = argument(a, 2)?.count()?.saturating_sub(1);
    if separator.is_empty() {
        return text(if wanted == 0 { whole } else { String::new() });
    }
    text(whole.split(&separator).nth(wanted).unwrap_or_default())
}

fn substring_index(a: Arguments<'_>) -> Given {
    let (whole, separator) = (argument(a, 0)?.text(), argument(a, 1)?.text());
    let count = argument(a, 2)?.integer()?;
    if separator.is_empty() {
        return text("");
    }
    let parts: Vec<&str> = whole.split(&separator).collect();
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(parts.len());
    let skipped = if count < 0 { parts.len().saturating_sub(wanted) } else { 0 };
    let kept: Vec<&str> = parts.into_iter().skip(skipped).take(wanted).collect();
    text(kept.join(&separator))
}

fn initcap(whole: &str) -> String {
    let mut inside = false;
    let mut given = String::new();
    for c in whole.chars() {
        if inside {
            given.extend(c.to_lowercase());
        } else {
            given.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric();
    }
    given
}

fn cast_integer(a: Arguments<'_>, name: &str, range: std::ops::RangeInclusive<i64>) -> Given {
    let number = argument(a, 0)?.integer()?;
    if range.contains(&number) {
        integer(number)
    } else {
        Err(Failure::new("22003", format!("value out of range for type {name}")))
    }
}

fn cast_bool(a: Arguments<'_>) -> Given {
    let given = argument(a, 0)?.text();
    match given.to_ascii_lowercase().as_str() {
        "t" | "true" | "yes" | "on" | "1" => integer(1),
        "f" | "false" | "no" | "off" | "0" => integer(0),
        _ => {
            let said = format!("invalid input syntax for type boolean: \"{given}\"");
            Err(Failure::new("22P02", said))
        }
    }
}

fn uuid() -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| Failure::new("XX000", "the system gave no random bytes"))?;
    let all = hex(&bytes);
    let part = |from: usize, count: usize| all.chars().skip(from).take(count).collect::<String>();
    // Version 4, variant 1.
    Ok(format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 4), part(13, 3), part(17, 3), part(20, 12)))
}

/// Waits, at most ten seconds: the thread is one that may block.
fn sleep(a: Arguments<'_>) -> Given {
    let milliseconds = argument(a, 0)?.integer()?.clamp(0, 10_000);
    std::thread::sleep(Duration::from_millis(milliseconds.unsigned_abs()));
    text("")
}

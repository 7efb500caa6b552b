//! Points in time: kept as text, in the form in which PostgreSQL prints them in UTC.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};

use crate::failure::Failure;

/// A point in time, read as UTC where it does not say.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read(text: &str) -> Result<NaiveDateTime, Failure> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(now());
    }
    // `+00` is what PostgreSQL writes and RFC 3339 has minutes.
    let long = if has_short_offset(text) { format!("{text}:00") } else { text.to_owned() };
    for form in ["%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%:z"] {
        if let Ok(time) = DateTime::parse_from_str(&long, form) {
            return Ok(time.naive_utc());
        }
    }
    let plain = text.trim_end_matches(['Z', 'z']);
    for form in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(plain, form) {
            return Ok(time);
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map(|date| date.and_time(NaiveTime::MIN))
        .map_err(|_error| Failure::new("22007", format!("invalid date or time: \"{text}\"")))
}

fn has_short_offset(text: &str) -> bool {
    let mut back = text.chars().rev();
    let digits = back.by_ref().take(2).all(|c| c.is_ascii_digit());
    digits && text.contains(':') && matches!(back.next(), Some('+' | '-'))
}

/// The present.
pub(crate) fn now() -> NaiveDateTime {
    Utc::now().naive_utc()
}

/// `2024-01-01 00:37:00`, with as many digits of a second as there are.
pub(crate) fn write(time: NaiveDateTime) -> String {
    let whole = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let micros = time.nanosecond() / 1000;
    if micros == 0 {
        return whole;
    }
    format!("{whole}.{}", format!("{micros:06}").trim_end_matches('0'))
}

/// `2024-01-01`.
pub(crate) fn write_date(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d").to_string()
}

/// Microseconds since 2000, which is how PostgreSQL sends them.
pub(crate) fn microseconds(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp_micros().saturating_sub(POSTGRES_EPOCH)
}

/// The point in time of that many microseconds since 2000.
pub(crate) fn from_microseconds(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros.checked_add(POSTGRES_EPOCH)?)
        .map(|time| time.naive_utc())
}

/// 2000-01-01 in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// Cuts everything smaller than `unit` off.
///
/// # Errors
/// There is no such unit.
pub(crate) fn truncate(unit: &str, time: NaiveDateTime) -> Result<NaiveDateTime, Failure> {
    let date = time.date();
    let day = |date: Option<NaiveDate>| date.map(|date| date.and_time(NaiveTime::MIN));
    let clock = |h, m, s| NaiveTime::from_hms_opt(h, m, s).map(|clock| date.and_time(clock));
    let cut = match unit.to_ascii_lowercase().as_str() {
        "year" => day(date.with_ordinal(1)),
        "quarter" => {
            day(date.with_day(1).and_then(|first| first.with_month0(first.month0() / 3 * 3)))
        }
        "month" => day(date.with_day(1)),
        "week" => {
            let back = u64::from(date.weekday().num_days_from_monday());
            day(date.checked_sub_days(chrono::Days::new(back)))
        }
        "day" => day(Some(date)),
        "hour" => clock(time.hour(), 0, 0),
        "minute" => clock(time.hour(), time.minute(), 0),
        "second" => clock(time.hour(), time.minute(), time.second()),
        _ => None,
    };
    cut.ok_or_else(|| Failure::new("22P02", format!("unit \"{unit}\" not recognized")))
}

/// One part of a point in time.
///
/// # Errors
/// There is no such part.
pub(crate) fn part(unit: &str, time: NaiveDateTime) -> Result<f64, Failure> {
    let date = time.date();
    Ok(match unit.to_ascii_lowercase().as_str() {
        "year" => f64::from(date.year()),
        "quarter" => f64::from(date.month0() / 3 + 1),
        "month" => f64::from(date.month()),
        "week" => f64::from(date.iso_week().week()),
        "day" => f64::from(date.day()),
        "dow" => f64::from(date.weekday().num_days_from_sunday()),
        "doy" => f64::from(date.ordinal()),
        "hour" => f64::from(time.hour()),
        "minute" => f64::from(time.minute()),
        "second" => f64::from(time.second()) + f64::from(time.nanosecond()) / 1e9,
        #[expect(clippy::cast_precision_loss, reason = "seconds of any year are exact in a double")]
        "epoch" => time.and_utc().timestamp() as f64,
        _ => return Err(Failure::new("22P02", format!("unit \"{unit}\" not recognized"))),
    })
}

#[cfg(test)]
mod tests {
    use super::{from_microseconds, microseconds, read, truncate, write};

    #[test]
    fn times_are_read_and_written_as_postgresql_does() {
        for (given, expected) in [
            ("2024-01-01 00:37:00+00", "2024-01-01 00:37:00"),
            ("2024-01-01T02:37:00.5+02:00", "2024-01-01 00:37:00.5"),
            ("2024-01-01 00:37:00", "2024-01-01 00:37:00"),
            ("2024-02-29", "2024-02-29 00:00:00"),
        ] {
            let time = read(given).unwrap();
            assert_eq!(write(time), expected);
            assert_eq!(from_microseconds(microseconds(time)), Some(time));
        }
        read("yesterday or so").unwrap_err();
        let time = read("2024-08-17 13:14:15").unwrap();
        for (unit, expected) in [
            ("year", "2024-01-01 00:00:00"),
            ("quarter", "2024-07-01 00:00:00"),
            ("week", "2024-08-12 00:00:00"),
            ("hour", "2024-08-17 13:00:00"),
        ] {
            assert_eq!(write(truncate(unit, time).unwrap()), expected, "{unit}");
        }
        truncate("era", time).unwrap_err();
    }
}

//! Moments as texts: RFC 3339 in UTC with nanoseconds, always 30 characters, so that the order of the texts
//! is the order of the moments.

use crate::TimeFacts;

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// The days of the week from 1970-01-01 on, which was a Thursday.
const WEEKDAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

impl TimeFacts {
    /// The moment `now_ns`, in nanoseconds since the Unix epoch, as policies and records see it.
    #[must_use]
    pub fn utc(now_ns: i64) -> Self {
        let seconds = u64::try_from(now_ns).unwrap_or_default() / NANOS;
        let weekday = usize::try_from(seconds / DAY % 7).ok().and_then(|day| WEEKDAYS.get(day));
        Self {
            now_ns,
            rfc3339: rfc3339(now_ns),
            weekday: weekday.copied().unwrap_or_default().to_owned(),
            hour: u32::try_from(seconds % DAY / 3600).unwrap_or_default(),
            tz: "UTC".to_owned(),
        }
    }
}

/// Formats a moment in nanoseconds since the Unix epoch. Moments before that are moved to it, so that every
/// text keeps the same width.
#[must_use]
pub fn rfc3339(now_ns: i64) -> String {
    let text = rfc3339_bytes(now_ns);
    // Digits and signs of ASCII are UTF-8.
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}

/// The same as bytes of ASCII. This is done for every record: `format!` takes ten times as long.
#[must_use]
pub fn rfc3339_bytes(now_ns: i64) -> [u8; 30] {
    let nanos = u64::try_from(now_ns).unwrap_or_default();
    let (seconds, fraction) = (nanos / NANOS, nanos % NANOS);
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = civil(days);
    let ([c1, c2], [y1, y2]) = (pair(year / 100), pair(year));
    let ([m1, m2], [d1, d2]) = (pair(month), pair(day));
    let ([h1, h2], [i1, i2], [s1, s2]) =
        (pair(second / 3600), pair(second / 60 % 60), pair(second % 60));
    let ([_, f1], [f2, f3]) = (pair(fraction / 100_000_000), pair(fraction / 1_000_000));
    let ([f4, f5], [f6, f7], [f8, f9]) =
        (pair(fraction / 10_000), pair(fraction / 100), pair(fraction));
    [
        c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'.',
        f1, f2, f3, f4, f5, f6, f7, f8, f9, b'Z',
    ]
}

/// The last two decimal digits of a number.
fn pair(number: u64) -> [u8; 2] {
    let number = u8::try_from(number % 100).unwrap_or_default();
    [b'0' + number / 10, b'0' + number % 10]
}

/// Whether a text has the shape that [`rfc3339`] gives; only then do texts compare as moments.
#[must_use]
pub fn is_rfc3339(text: &str) -> bool {
    const SHAPE: &[u8; 30] = b"0000-00-00T00:00:00.000000000Z";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            fixed => byte == *fixed,
        })
}

/// Reads a moment in UTC, for example `2026-12-01T06:00:00Z`; seconds and their fraction may be left out.
/// Nanoseconds since the Unix epoch, or nothing where the text is no moment.
#[must_use]
pub fn read_rfc3339(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let numbers = |text: &str, by: char| {
        let parts = text.split(by).map(|part| {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            if digits { part.parse::<u64>().ok() } else { None }
        });
        parts.collect::<Option<Vec<_>>>()
    };
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let [year @ 1970..=2261, month @ 1..=12, day @ 1..=31] = date[..] else { return None };
    let (hour, minute, second) = match time[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let nanos = format!("{fraction:0<9}");
    let known = hour < 24 && minute < 60 && second < 60 && nanos.len() == 9;
    let nanos = numbers(&nanos, '.').filter(|_| known)?.into_iter().next()?;
    let days = days(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    i64::try_from(seconds * NANOS + nanos).ok()
}

/// The other way round than [`civil`]; for a day that no month has, some other day.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{is_rfc3339, read_rfc3339, rfc3339};
    use crate::TimeFacts;

    #[test]
    fn moments_have_one_width_and_the_right_date() {
        // Expected dates come from `date -u -d @SECONDS`.
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_399, 999_999_999, "2000-02-28T23:59:59.999999999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800, 1, "2000-03-01T00:00:00.000000001Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000000000Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z"),
        ] {
            let text = rfc3339(seconds * 1_000_000_000 + nanos);
            assert_eq!(text, expected);
            assert!(is_rfc3339(&text));
            assert_eq!(read_rfc3339(&text), Some(seconds * 1_000_000_000 + nanos));
        }
        assert_eq!(rfc3339(-1), "1970-01-01T00:00:00.000000000Z");
        assert!(rfc3339(i64::MAX).starts_with("2262-"));
        assert!(!is_rfc3339("1970-01-01T00:00:00Z"));
        assert!(!is_rfc3339("1970-01-01T00:00:00.00000000xZ"));
    }

    #[test]
    fn moments_that_people_write_are_read_and_no_others() {
        let read = [
            ("2026-12-01T06:00Z", Some("2026-12-01T06:00:00.000000000Z")),
            ("2026-12-01T06:00:07Z", Some("2026-12-01T06:00:07.000000000Z")),
            ("2028-02-29T23:59:59.5Z", Some("2028-02-29T23:59:59.500000000Z")),
            ("2027-02-29T00:00Z", None),
            ("2026-12-01T06:00:00", None),
            ("2026-12-01T06:00:00+01:00", None),
            ("2026-12-01T24:00Z", None),
            ("2026-13-01T00:00Z", None),
            ("2026-12-00T00:00Z", None),
            ("99999999999999999999-01-01T00:00Z", None),
            ("2026-12-01T06:+1Z", None),
            ("2026-12-01T06:00:00.1234567890Z", None),
            ("2h", None),
            ("", None),
        ];
        for (text, expected) in read {
            assert_eq!(read_rfc3339(text).map(rfc3339).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_moment_is_told_in_utc() {
        // `date -u -d @SECONDS +'%A %H'`
        for (seconds, weekday, hour) in
            [(0, "Thursday", 0), (1_795_354_200, "Sunday", 13), (1_709_251_199, "Thursday", 23)]
        {
            let facts = TimeFacts::utc(seconds * 1_000_000_000);
            assert_eq!(
                (facts.weekday.as_str(), facts.hour, facts.tz.as_str()),
                (weekday, hour, "UTC")
            );
        }
        assert_eq!(
            TimeFacts::utc(1_795_354_200_000_000_000).rfc3339,
            "2026-11-22T13:30:00.000000000Z"
        );
    }
}

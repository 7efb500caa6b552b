//! Timestamps: RFC 3339 in UTC with nanoseconds, always 30 characters, so that the order of the texts
//! is the order of the moments.

use std::time::{SystemTime, UNIX_EPOCH};

/// Formats a moment. Moments before 1970 and after the year 2554 are moved to those bounds, so that
/// every text keeps the same width.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = [0; 30];
    // `format!` takes several times as long, and this is done for every record.
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (hour, 2, b':'),
        (minute, 2, b':'),
        (second, 2, b'.'),
        (fraction, 9, b'Z'),
    ];
    let mut rest = text.as_mut_slice();
    for (number, digits, after) in parts {
        let Some((part, behind)) = rest.split_at_mut_checked(digits + 1) else { break };
        let mut number = number;
        for (at, byte) in part.iter_mut().rev().enumerate() {
            if at == 0 {
                *byte = after;
            } else {
                *byte = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        rest = behind;
    }
    text.iter().copied().map(char::from).collect()
}

/// Whether a text has the shape that [`rfc3339`] gives; only then do texts compare as moments.
pub(crate) fn is_rfc3339(text: &str) -> bool {
    const SHAPE: &[u8; 30] = b"0000-00-00T00:00:00.000000000Z";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            fixed => byte == *fixed,
        })
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
    use std::time::{Duration, UNIX_EPOCH};

    use super::{is_rfc3339, rfc3339};

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
            let text = rfc3339(UNIX_EPOCH + Duration::new(seconds, nanos));
            assert_eq!(text, expected);
            assert!(is_rfc3339(&text));
        }
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000000000Z");
        assert!(rfc3339(UNIX_EPOCH + Duration::from_secs(99_999_999_999)).starts_with("2554-"));
        assert!(!is_rfc3339("1970-01-01T00:00:00Z"));
        assert!(!is_rfc3339("1970-01-01T00:00:00.00000000xZ"));
    }
}

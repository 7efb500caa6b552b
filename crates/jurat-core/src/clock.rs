//! Port: what time it is. Passed in, so that every decision can be replayed and tested.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use jurat_types::TimeFacts;

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Nanoseconds since the Unix epoch.
    fn now_ns(&self) -> i64;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the operating system"
    )]
    fn now_ns(&self) -> i64 {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// The `time` part of an intent, UTC.
pub(crate) fn time_facts(now_ns: i64) -> TimeFacts {
    let time = DateTime::<Utc>::from_timestamp_nanos(now_ns);
    TimeFacts {
        now_ns,
        rfc3339: time.to_rfc3339_opts(SecondsFormat::Nanos, true),
        weekday: weekday(time.weekday()).to_owned(),
        hour: time.hour(),
        tz: "UTC".to_owned(),
    }
}

const fn weekday(day: chrono::Weekday) -> &'static str {
    match day {
        chrono::Weekday::Mon => "Monday",
        chrono::Weekday::Tue => "Tuesday",
        chrono::Weekday::Wed => "Wednesday",
        chrono::Weekday::Thu => "Thursday",
        chrono::Weekday::Fri => "Friday",
        chrono::Weekday::Sat => "Saturday",
        chrono::Weekday::Sun => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_moment_is_told_in_utc() {
        let facts = super::time_facts(1_795_354_200_000_000_000);
        assert_eq!(facts.rfc3339, "2026-11-22T13:30:00.000000000Z");
        assert_eq!((facts.weekday.as_str(), facts.hour), ("Sunday", 13));
    }
}

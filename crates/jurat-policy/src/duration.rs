//! Durations as policies write them: `90s`, `30m`, `12h`, `7d`.

/// The seconds of a duration; `None` for anything else, zero and what does not fit too.
pub fn seconds(text: &str) -> Option<u64> {
    let (unit, length) = match text.as_bytes().last()? {
        b's' => (1, text.strip_suffix('s')?),
        b'm' => (60, text.strip_suffix('m')?),
        b'h' => (3_600, text.strip_suffix('h')?),
        b'd' => (86_400, text.strip_suffix('d')?),
        _ => return None,
    };
    if !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    length.parse::<u64>().ok()?.checked_mul(unit).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_number_and_a_unit() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("30m", Some(1_800)),
            ("12h", Some(43_200)),
            ("7d", Some(604_800)),
            ("0m", None),
            ("30", None),
            ("m", None),
            ("-1m", None),
            ("1.5h", None),
            ("99999999999999999999s", None),
            ("99999999999999999d", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}

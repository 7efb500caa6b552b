//! What samples add to what a name suggests: a proposal for a column that only its values give away, and a word
//! on how often the values are what the name says.

use std::collections::BTreeMap;

use super::sample::Sample;

/// What detectors call a kind, the label for a column of it, and what one is called.
const KINDS: &[(&str, &str, &str)] = &[
    ("aws", "secret", "an AWS key"),
    ("azure", "secret", "an Azure key"),
    ("card", "pci.card", "a card number"),
    ("email", "pii.email", "an e-mail address"),
    ("gcp", "secret", "a Google Cloud key"),
    ("github", "secret", "a GitHub token"),
    ("iban", "pii.bank_account", "an IBAN"),
    ("jwt", "secret", "a JWT"),
    ("phone", "pii.phone", "a phone number"),
    ("slack", "secret", "a Slack token"),
    ("ssn", "pii.ssn", "a US social security number"),
    ("stripe", "secret", "a Stripe key"),
];

/// The label of a column in which personal data is here and there.
const FREE_TEXT: &str = "pii.free_text";

/// The label that the values alone suggest, and why: that of a kind that at least every other value holds,
/// else that of free text.
pub(super) fn suggestion(sample: &Sample) -> Option<(&'static str, String)> {
    let Sample::Seen { values, kinds } = sample else { return None };
    let (kind, count) = kinds.iter().max_by_key(|(_, count)| **count)?;
    let (label, _) = described(kind)?;
    let all_alike = count.saturating_mul(2) >= *values;
    Some((if all_alike { label } else { FREE_TEXT }, counted(*values, kinds)))
}

/// What the values say about a label that the name suggests; nothing where no detector knows such values.
pub(super) fn about(label: &str, sample: &Sample) -> Option<String> {
    match sample {
        Sample::Refused { code } => Some(format!("no samples, the statement failed with {code}")),
        Sample::Seen { values: 0, .. } => Some("no values".to_owned()),
        Sample::Seen { values, kinds } if kinds.is_empty() => {
            let (_, _, one) = KINDS.iter().find(|(_, of, _)| *of == label && label != "secret")?;
            Some(format!("none of {} {one}", samples(*values, "holds")))
        }
        Sample::Seen { values, kinds } => Some(counted(*values, kinds)),
    }
}

/// `97 of 100 samples hold an e-mail address, 1 a phone number`
fn counted(values: usize, kinds: &BTreeMap<&'static str, usize>) -> String {
    let mut found: Vec<(&str, usize)> = kinds
        .iter()
        .filter_map(|(kind, count)| described(kind).map(|(_, one)| (one, *count)))
        .collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut words = Vec::new();
    for (one, count) in found {
        words.push(if words.is_empty() {
            let verb = if count == 1 { "holds" } else { "hold" };
            format!("{count} of {} {one}", samples(values, verb))
        } else {
            format!("{count} {one}")
        });
    }
    words.join(", ")
}

fn samples(values: usize, verb: &str) -> String {
    format!("{} {verb}", crate::output::counted(values, "sample"))
}

fn described(kind: &str) -> Option<(&'static str, &'static str)> {
    KINDS.iter().find(|(known, _, _)| *known == kind).map(|(_, label, one)| (*label, *one))
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Sample, about, suggestion};

    fn seen(values: usize, kinds: &[(&'static str, usize)]) -> Sample {
        Sample::Seen { values, kinds: kinds.iter().copied().collect() }
    }

    #[test]
    fn every_detector_has_a_label() {
        let known: Vec<&str> = KINDS.iter().map(|(kind, _, _)| *kind).collect();
        assert_eq!(known, jurat_types::DETECTORS);
    }

    #[test]
    fn values_alone_suggest_a_label() {
        for (sample, expected) in [
            (
                seen(100, &[("email", 97)]),
                Some(("pii.email", "97 of 100 samples hold an e-mail address")),
            ),
            (seen(2, &[("card", 1)]), Some(("pci.card", "1 of 2 samples holds a card number"))),
            (
                seen(100, &[("email", 1), ("phone", 4)]),
                Some((
                    "pii.free_text",
                    "4 of 100 samples hold a phone number, 1 an e-mail address",
                )),
            ),
            (seen(100, &[]), None),
            (seen(0, &[]), None),
            (Sample::Refused { code: "42501".to_owned() }, None),
        ] {
            let found = suggestion(&sample);
            assert_eq!(found.as_ref().map(|(label, why)| (*label, why.as_str())), expected);
        }
    }

    #[test]
    fn values_speak_for_and_against_a_name() {
        for (label, sample, expected) in [
            ("pii.email", seen(3, &[("email", 3)]), Some("3 of 3 samples hold an e-mail address")),
            ("pii.email", seen(1, &[]), Some("none of 1 sample holds an e-mail address")),
            ("pii.email", seen(0, &[]), Some("no values")),
            ("pii.name", seen(9, &[]), None),
            ("secret", seen(9, &[]), None),
            (
                "pii.name",
                Sample::Refused { code: "42501".to_owned() },
                Some("no samples, the statement failed with 42501"),
            ),
        ] {
            assert_eq!(about(label, &sample).as_deref(), expected);
        }
    }
}

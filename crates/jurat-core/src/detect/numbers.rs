//! Numbers that check themselves: cards (Luhn) and IBANs (remainder by 97).

use std::ops::Range;

/// Digits of a card number (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Characters of an IBAN (ISO 13616).
const IBAN_CHARS: std::ops::RangeInclusive<usize> = 15..=34;

/// Card numbers: groups of digits with single blanks or hyphens between them, as a whole.
pub(super) fn cards(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            at = next(text, at, u8::is_ascii_digit)?;
            if begins_group(text, at)
                && let Some(end) = card(text, at)
            {
                let find = at..end;
                at = end;
                return Some(find);
            }
            // A number begins where a group begins.
            at = at.saturating_add(digits_from(text, at).max(1));
        }
    })
}

/// The length of the group of digits that begins here.
fn digits_from(text: &[u8], at: usize) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn next(text: &[u8], from: usize, is: impl Fn(&u8) -> bool) -> Option<usize> {
    text.get(from..)?.iter().position(is)?.checked_add(from)
}

fn begins_group(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    !before.is_some_and(u8::is_ascii_alphanumeric)
}

/// The end of the longest card number that begins here and ends where a group of digits ends.
fn card(text: &[u8], start: usize) -> Option<usize> {
    let mut digits: Vec<u8> = Vec::with_capacity(*CARD_DIGITS.end());
    let mut at = start;
    let mut found = None;
    loop {
        let group = digits_from(text, at);
        if group == 0 || digits.len().saturating_add(group) > *CARD_DIGITS.end() {
            return found;
        }
        digits.extend(text.get(at..at.saturating_add(group))?.iter().map(|byte| byte - b'0'));
        at = at.saturating_add(group);
        let follows = text.get(at).is_some_and(u8::is_ascii_alphabetic);
        if CARD_DIGITS.contains(&digits.len()) && !follows && luhn(&digits) {
            found = Some(at);
        }
        if !matches!(text.get(at), Some(b' ' | b'-')) {
            return found;
        }
        at = at.saturating_add(1);
    }
}

/// The check digit of ISO/IEC 7812. Numbers of nothing but zeros pass it and are none.
fn luhn(digits: &[u8]) -> bool {
    let mut sum = 0_u32;
    for (place, digit) in digits.iter().rev().enumerate() {
        let digit = u32::from(*digit);
        sum += match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        };
    }
    sum.is_multiple_of(10) && digits.first().is_some_and(|first| *first != 0)
}

/// IBANs, with or without single blanks.
pub(super) fn ibans(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            at = next(text, at, u8::is_ascii_alphabetic)?;
            if begins_group(text, at)
                && let Some(end) = iban(text, at)
            {
                let find = at..end;
                at = end;
                return Some(find);
            }
            at = at.saturating_add(1);
        }
    })
}

/// The end of the longest IBAN that begins here and is not followed by another letter or digit.
fn iban(text: &[u8], start: usize) -> Option<usize> {
    let head = text.get(start..start.saturating_add(4))?;
    let shaped = matches!(head, [a, b, c, d] if a.is_ascii_alphabetic()
        && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit());
    if !shaped {
        return None;
    }
    let mut chars: Vec<u8> = Vec::with_capacity(*IBAN_CHARS.end());
    let mut found = None;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        if byte.is_ascii_alphanumeric() {
            if chars.len() >= *IBAN_CHARS.end() {
                break;
            }
            chars.push(byte.to_ascii_uppercase());
            at = at.saturating_add(1);
            let ends = !text.get(at).is_some_and(u8::is_ascii_alphanumeric);
            if ends && IBAN_CHARS.contains(&chars.len()) && remainder(&chars) == 1 {
                found = Some(at);
            }
        } else if *byte == b' '
            && text.get(at.saturating_add(1)).is_some_and(u8::is_ascii_alphanumeric)
        {
            at = at.saturating_add(1);
        } else {
            break;
        }
    }
    found
}

/// The remainder by 97, with the first four characters moved to the end and letters as two digits.
fn remainder(chars: &[u8]) -> u32 {
    let (head, tail) = chars.split_at(chars.len().min(4));
    tail.iter().chain(head).fold(0, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    })
}

//! The oracle of masking: no protected value may leave, in any spelling.

use std::{fs, path::Path, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// What occurs in protected values of the fixture and nowhere else: parts that no mask keeps.
const NEEDLES: [&str; 4] = ["canary", "999-55-", "4000123400", "hushhush"];

/// Shorter pieces of them that occur nowhere else either. Digits alone must be many, and `999-55` needs the dash
/// behind it, because identifiers and times are full of digits.
const PIECES: [&str; 9] = [
    "99-55-",
    "9-55-0",
    "400012340",
    "000123400",
    "hushhu",
    "ushhus",
    "shhush",
    "anary1",
    "anary2",
];

/// Every spelling of a needle that is searched for, with its name.
fn spellings(needle: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = needle.as_bytes();
    let reversed: String = needle.chars().rev().collect();
    let each = |write: &dyn Fn(u8) -> String, between: &str| {
        bytes.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(between).into_bytes()
    };
    let mut spellings = vec![
        ("as it is", bytes.to_vec()),
        ("in upper case", needle.to_uppercase().into_bytes()),
        ("with a capital", [needle[..1].to_uppercase().as_bytes(), &bytes[1..]].concat()),
        ("reversed", reversed.to_uppercase().into_bytes()),
        ("reversed", reversed.into_bytes()),
        ("in hex", hex(bytes).into_bytes()),
        ("in upper-case hex", hex(bytes).to_uppercase().into_bytes()),
        ("in UTF-16", needle.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("in UTF-16", needle.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("in JSON escapes", each(&|byte| format!("\\u{byte:04x}"), "")),
        ("in XML references", each(&|byte| format!("&#{byte};"), "")),
        ("in XML references", each(&|byte| format!("&#x{byte:x};"), "")),
        ("in percents", each(&|byte| format!("%{byte:02X}"), "")),
        ("in octal escapes", each(&|byte| format!("\\{byte:03o}"), "")),
        ("in numbers", each(&|byte| byte.to_string(), ",")),
        ("in letters", each(&|byte| char::from(byte).to_string(), ",")),
        ("in bits", each(&|byte| format!("{byte:08b}"), "")),
    ];
    if needle.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        spellings.push(("turned by 13", bytes.iter().map(|byte| turned(*byte)).collect()));
    }
    // base64 spells the same bytes in three ways, after where they begin. The digits at either side
    // depend on the neighbors and are left out.
    for shift in 0..3 {
        let padded = [&b"\0\0"[..shift], bytes].concat();
        let encoded = STANDARD_NO_PAD.encode(&padded);
        let first = (shift * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        spellings.push(("in base64", encoded.as_bytes()[first..last].to_vec()));
    }
    spellings
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// ROT13.
fn turned(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    }
}

/// Every spelling of every needle, one letter for each byte.
fn patterns() -> &'static [(String, &'static str, String)] {
    static PATTERNS: OnceLock<Vec<(String, &'static str, String)>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let spelled = NEEDLES.iter().flat_map(|needle| {
            let of = |(how, bytes): (_, Vec<u8>)| ((*needle).to_owned(), how, letters(&bytes));
            spellings(needle).into_iter().map(of)
        });
        let pieces =
            PIECES.iter().map(|piece| ((*piece).to_owned(), "as it is", (*piece).to_owned()));
        spelled.chain(pieces).collect()
    })
}

/// Bytes as a text with one letter for each, because the standard library searches texts quickly.
fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The first protected value in `haystack`, said with its surroundings.
pub(crate) fn find(haystack: &[u8]) -> Option<String> {
    let text = letters(haystack);
    patterns().iter().find_map(|(needle, how, pattern)| {
        text.find(pattern).map(|at| format!("`{needle}` {how}: …{}…", around(&text, at)))
    })
}

/// The first of other texts, such as digests of protected values, in `haystack`.
pub(crate) fn find_any(haystack: &[u8], texts: &[String]) -> Option<String> {
    let text = letters(haystack);
    let at = texts.iter().find_map(|searched| text.find(searched.as_str()));
    at.map(|at| format!("a digest: …{}…", around(&text, at)))
}

fn around(text: &str, at: usize) -> String {
    let before: Vec<char> = text[..at].chars().rev().take(40).collect();
    before.into_iter().rev().chain(text[at..].chars().take(60)).collect()
}

/// The first protected value in a file or in any file below a directory.
pub(crate) fn find_below(path: &Path) -> Option<String> {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().find_map(|entry| find_below(&entry.unwrap().path()));
    }
    find(&fs::read(path).unwrap()).map(|found| format!("{}: {found}", path.display()))
}

#[test]
fn a_canary_is_found_in_every_spelling() {
    for text in [
        "id 1, canary7@leak.example",
        "CANARY7@LEAK.EXAMPLE",
        "elpmaxe.kael@7yranac",
        r"\x63616e617279374",
        "xx 999-55-0001",
        "Canary7@leak.example",
        "pnanel7@yrnx.rknzcyr",
        r"\u0063\u0061\u006e\u0061\u0072\u0079",
        "&#99;&#97;&#110;&#97;&#114;&#121;&#55;",
        "{99,97,110,97,114,121,55}",
        "{c,a,n,a,r,y,7}",
        "c\0a\0n\0a\0r\0y\0",
        "400012340",
        &STANDARD_NO_PAD.encode("canary7@leak.example"),
        &STANDARD_NO_PAD.encode(" canary7@leak.example"),
        &STANDARD_NO_PAD.encode("  canary7@leak.example"),
    ] {
        assert!(find(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(find(b"c***@leak.example ***-0001 ****-000017"), None);
}

//! The oracle of masking: no protected value may leave, in any spelling.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// What occurs in protected values of the fixture and nowhere else: parts that no mask keeps.
const NEEDLES: [&str; 4] = ["canary", "999-55-", "4000123400", "hushhush"];

/// Every spelling of a needle that is searched for, with its name.
fn spellings(needle: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = needle.as_bytes();
    let reversed: String = needle.chars().rev().collect();
    let mut spellings = vec![
        ("as it is", bytes.to_vec()),
        ("in upper case", needle.to_uppercase().into_bytes()),
        ("reversed", reversed.into_bytes()),
        ("in hex", hex(bytes).into_bytes()),
        ("in upper-case hex", hex(bytes).to_uppercase().into_bytes()),
        ("in UTF-16", needle.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
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

/// The first protected value in `haystack`, said with its surroundings.
pub(crate) fn find(haystack: &[u8]) -> Option<String> {
    NEEDLES.iter().find_map(|needle| {
        spellings(needle).into_iter().find_map(|(how, spelling)| {
            let at = haystack.windows(spelling.len()).position(|window| window == spelling)?;
            let around = &haystack[at.saturating_sub(40)..haystack.len().min(at + 60)];
            Some(format!("`{needle}` {how}: …{}…", String::from_utf8_lossy(around)))
        })
    })
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
        &STANDARD_NO_PAD.encode("canary7@leak.example"),
        &STANDARD_NO_PAD.encode(" canary7@leak.example"),
        &STANDARD_NO_PAD.encode("  canary7@leak.example"),
    ] {
        assert!(find(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(find(b"c***@leak.example ***-0001 ****-000017"), None);
}

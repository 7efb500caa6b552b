//! Which character set a client begins in, by the number of its collation, and what becomes of it.
//!
//! Text is judged as UTF-8, so the database must read it as UTF-8 as well: a character set in which another
//! character ends in the byte of a backslash (gbk, sjis, big5, …) or that gives bytes other meanings would
//! let the database see another statement than was judged.

use jurat_wire::mysql::encode::server::UTF8MB4;

/// What a client begins in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CharacterSet {
    /// UTF-8, or one that is the same below 128 and that drivers only name by default: the session is in
    /// utf8mb4.
    Utf8,
    /// latin1, the default of old drivers. What the client sends is read as UTF-8, so ASCII stays what it is
    /// and anything else is refused as text; results are in latin1.
    Latin1,
    /// Any other; the client is turned away.
    Other,
}

/// The character set of a collation (`information_schema.COLLATIONS`).
pub(crate) const fn character_set(collation: u8) -> CharacterSet {
    match collation {
        // Zero is what drivers send that leave it to the server; 11 and 65 are ASCII, 63 is binary.
        0 | 11 | 63 | 65 => CharacterSet::Utf8,
        // utf8mb3 and utf8mb4.
        33 | 45 | 46 | 76 | 83 | 192..=215 | 223..=247 | 255 => CharacterSet::Utf8,
        5 | 8 | 15 | 31 | 47 | 48 | 49 | 94 => CharacterSet::Latin1,
        _ => CharacterSet::Other,
    }
}

/// The number of a collation where it has two bytes, as a login has it, which has one. Those above 255 that are known are
/// of utf8mb4 (MySQL's since 8.0), and any other one stands for a character set that is not taken.
pub(crate) fn narrow(collation: u16) -> u8 {
    const BIG5: u8 = 1;
    match u8::try_from(collation) {
        Ok(collation) => collation,
        Err(_) if collation <= 323 => UTF8MB4,
        Err(_) => BIG5,
    }
}

/// Whether texts of this collation have ASCII where UTF-8 has it. Names are compared and values looked through as such: in
/// UTF-16 neither a column nor an address would be recognized.
pub(crate) fn has_ascii(collation: u16) -> bool {
    /// MariaDB's newer collations of utf8mb3 and utf8mb4 (`uca1400`).
    const NEWER: std::ops::Range<u16> = 2048..2560;
    NEWER.contains(&collation) || character_set(narrow(collation)) != CharacterSet::Other
}

/// Whether results are to be in latin1.
pub(crate) fn is_latin1(collation: u8) -> bool {
    character_set(collation) == CharacterSet::Latin1
}

/// The collation to ask a database for: the client's where it is one of utf8mb4 that the server has, and else
/// the one that both servers have.
pub(crate) const fn upstream(collation: u8, mariadb: bool) -> u8 {
    match collation {
        45 | 46 | 224..=247 => collation,
        // MySQL's default since 8.0.
        255 if !mariadb => collation,
        _ => UTF8MB4,
    }
}

#[cfg(test)]
mod tests {
    use super::{CharacterSet, character_set, has_ascii, narrow, upstream};

    #[test]
    fn only_character_sets_that_read_a_text_as_utf8_does_are_taken() {
        for (name, collation, expected) in [
            ("utf8mb4_general_ci", 45, CharacterSet::Utf8),
            ("utf8mb4_0900_ai_ci, the default of MySQL 8", 255, CharacterSet::Utf8),
            ("utf8_general_ci", 33, CharacterSet::Utf8),
            ("binary", 63, CharacterSet::Utf8),
            ("latin1_swedish_ci, the default of old drivers", 8, CharacterSet::Latin1),
            ("gbk_chinese_ci", 28, CharacterSet::Other),
            ("gbk_bin", 87, CharacterSet::Other),
            ("sjis_japanese_ci", 13, CharacterSet::Other),
            ("cp932_japanese_ci", 95, CharacterSet::Other),
            ("big5_chinese_ci", 1, CharacterSet::Other),
            ("gb18030_chinese_ci", 248, CharacterSet::Other),
            ("ucs2_general_ci", 35, CharacterSet::Other),
            ("utf16_general_ci", 54, CharacterSet::Other),
            ("utf16le_general_ci", 56, CharacterSet::Other),
            ("utf32_general_ci", 60, CharacterSet::Other),
            ("swe7_swedish_ci, whose backslash is a letter", 10, CharacterSet::Other),
        ] {
            assert_eq!(character_set(collation), expected, "{name}");
        }
    }

    #[test]
    fn the_database_is_asked_for_utf8mb4_in_any_case() {
        assert_eq!(upstream(224, true), 224, "utf8mb4_unicode_ci");
        assert_eq!(upstream(255, false), 255, "utf8mb4_0900_ai_ci");
        for collation in [0, 8, 28, 33, 63, 255] {
            assert_eq!(upstream(collation, true), 45);
        }
    }

    #[test]
    fn results_have_ascii_where_utf8_has_it() {
        // utf8mb4, bytes, latin1, utf8mb4_0900_as_cs, utf8mb4_uca1400_ai_ci.
        for collation in [45, 63, 8, 305, 2304] {
            assert!(has_ascii(collation), "{collation}");
        }
        // utf16, ucs2, utf32, utf16le, filename, swe7, gbk, ucs2_uca1400_ai_ci.
        for collation in [54, 35, 60, 56, 17, 10, 28, 2560] {
            assert!(!has_ascii(collation), "{collation}");
        }
    }

    #[test]
    fn a_collation_of_two_bytes_is_utf8_or_refused() {
        for (collation, expected) in
            [(45, 45), (255, 255), (256, 45), (323, 45), (324, 1), (2048, 1), (u16::MAX, 1)]
        {
            assert_eq!(narrow(collation), expected, "{collation}");
        }
        assert_eq!(character_set(1), CharacterSet::Other);
    }
}

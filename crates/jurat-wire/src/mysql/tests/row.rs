//! Rows in text and in binary form.

use crate::mysql::column_type::{ColumnType, Layout};
use crate::mysql::error::ParseError;
use crate::mysql::row::{Value, binary_values, check_text_row, text_values};

#[test]
fn text_rows_are_values_behind_their_lengths() {
    let long = [&[0xfc, 0x2c, 0x01][..], &[b'x'; 300]].concat();
    let row = [b"\x011\xfb\0", long.as_slice()].concat();
    let values: Vec<_> = text_values(&row).collect();
    assert_eq!(values[..3], [Some(&b"1"[..]), None, Some(&b""[..])]);
    assert_eq!(values[3].unwrap().len(), 300);
    assert_eq!(check_text_row(&row, 4), Ok(()));
    assert_eq!(check_text_row(&row, 3), Err(ParseError::TrailingBytes(303)));
    assert!(check_text_row(&row, 5).is_err());
    assert!(check_text_row(b"\xff", 1).is_err());
    assert!(check_text_row(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 1).is_err());
    // What breaks off ends the values early, without a panic.
    assert_eq!(text_values(b"\x011\x05ab").count(), 1);
}

#[test]
fn binary_rows_have_a_bitmap_and_the_types_of_their_columns() {
    let columns =
        [(ColumnType::Long, false), (ColumnType::VarString, false), (ColumnType::Double, false)];
    let row = [&[0, 0b1000][..], &(-7_i32).to_le_bytes(), &2.5_f64.to_le_bytes()].concat();
    let values = binary_values(&row, &columns).unwrap();
    assert_eq!(values, [Value::Int(-7), Value::Null, Value::Double(2.5)]);
    for end in 0..row.len() {
        assert!(binary_values(&row[..end], &columns).is_err(), "{end} bytes");
    }
    let longer = [row.as_slice(), &[0]].concat();
    assert_eq!(binary_values(&longer, &columns), Err(ParseError::TrailingBytes(1)));
    let wrong = [&[1], &row[1..]].concat();
    assert_eq!(binary_values(&wrong, &columns), Err(ParseError::Unexpected { first: 1 }));
    // The bitmap of seven columns takes two bytes, because two bits are unused.
    let seven = [(ColumnType::Null, false); 7];
    assert_eq!(binary_values(&[0, 0, 0], &seven).unwrap(), [Value::Null; 7]);
}

#[test]
fn every_type_has_a_number_and_a_layout() {
    let mut known = 0;
    for byte in 0..=255 {
        if let Ok(kind) = ColumnType::from_byte(byte) {
            known += 1;
            assert_eq!(kind.as_byte(), byte);
            if let Layout::Integer(width) = kind.layout() {
                assert!([1, 2, 4, 8].contains(&width), "{kind:?}");
            }
        }
    }
    assert_eq!(known, 32);
}

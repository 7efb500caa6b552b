//! The database's own errors on their way to the client: what has to be left out of them.

use jurat_wire::mysql::{encode::server as encode, response::ErrPacket};

use crate::respond;

/// Errors whose words name objects, or say always the same, and never quote a value or a part of the text
/// that was sent (MySQL reference manual, "Server Error Message Reference"; MariaDB, "Error Codes").
const SAFE: [u16; 40] = [
    1005, 1007, 1008, 1022, 1026, 1040, 1044, 1046, 1048, 1049, 1050, 1051, 1054, 1060, 1061, 1072,
    1091, 1094, 1109, 1114, 1136, 1142, 1143, 1146, 1205, 1213, 1222, 1227, 1241, 1242, 1264, 1290,
    1317, 1364, 1406, 1451, 1452, 1792, 3024, 1969,
];

/// Writes the error for the client of a statement that has masked columns in its reach.
///
/// `Duplicate entry 'ana@example.org' for key 'email'` shows a value to somebody who may write it and not read
/// it; an error of a conversion quotes the value, and one of the syntax the text that was sent, masks and their
/// salts included. So only what cannot hold either is passed on.
pub(crate) fn withheld(out: &mut Vec<u8>, sequence: &mut u8, error: &ErrPacket<'_>) {
    let state = error.sqlstate();
    let code = error.code;
    let words = if SAFE.contains(&code) {
        error.message.to_vec()
    } else {
        format!(
            "the database reported an error ({code}, {state}); jurat withheld its words because masked \
             columns are in reach"
        )
        .into_bytes()
    };
    respond::write(encode::err(out, sequence, code, state, &words));
}

#[cfg(test)]
mod tests {
    use jurat_wire::mysql::{frame::HEADER, response::ErrPacket};

    fn told(code: u16, message: &[u8]) -> String {
        let (mut out, mut sequence) = (Vec::new(), 1);
        let error = ErrPacket { code, sqlstate: Some(b"23000"), message };
        super::withheld(&mut out, &mut sequence, &error);
        let told = ErrPacket::parse(&out[HEADER..]).unwrap();
        assert_eq!((told.code, told.sqlstate()), (code, "23000"));
        String::from_utf8(told.message.to_vec()).unwrap()
    }

    #[test]
    fn no_value_passes_where_masked_columns_are_in_reach() {
        assert!(!told(1062, b"Duplicate entry 'canary' for key 'email'").contains("canary"));
        assert!(!told(1644, b"canary").contains("canary"), "SIGNAL says anything");
        assert!(!told(1064, b"You have an error near 'salt'").contains("salt"));
        let null = told(1048, b"Column 'tier' cannot be null");
        assert_eq!(null, "Column 'tier' cannot be null");
    }
}

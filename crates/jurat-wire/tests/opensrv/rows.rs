//! Rows, as text and in binary: each value that the server writes is read as that value.

use jurat_wire::mysql::{
    encode::command,
    result::ReplyKind,
    row::{Value, binary_values, check_text_row, text_values},
};

use super::client::{Client, Cutting, EOF, NO_EOF, Reading, Told};
use super::samples::samples;
use super::server::{MANY, Server, TYPES};

const STATEMENT: ReplyKind = ReplyKind::Statement { cursor: false };

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    command::query(&mut out, text.as_bytes());
    out
}

/// Does something over connections that were agreed in each way.
fn each(server: &Server, check: impl Fn(&mut Client)) {
    for capabilities in [EOF, NO_EOF] {
        for cutting in [Cutting::Steps, Cutting::Runs] {
            check(&mut Client::open(server, capabilities, cutting));
        }
    }
}

/// What is in the row with this number: all values, NULLs, and every other value.
fn is_null(row: usize, place: usize) -> bool {
    row == 1 || (row == 2 && place.is_multiple_of(2))
}

fn check_columns(told: &Told) {
    let expected: Vec<_> = (0..)
        .zip(samples())
        .map(|(place, sample): (usize, _)| (format!("c{place}"), sample.kind, sample.unsigned))
        .collect();
    assert_eq!(told.columns, expected);
}

#[test]
fn every_type_is_read_as_text() {
    each(&Server::start(None), |client| {
        let told = client.ask(&query("types"), STATEMENT).unwrap();
        check_columns(&told);
        assert_eq!(told.rows.len(), 3);
        for (number, row) in told.rows.iter().enumerate() {
            check_text_row(row, samples().len()).unwrap();
            for ((place, sample), read) in samples().iter().enumerate().zip(text_values(row)) {
                let expected = (!is_null(number, place)).then_some(&sample.text[..]);
                assert!(read == expected, "row {number}, {:?} at {place}", sample.kind);
            }
        }
    });
}

#[test]
fn every_type_is_read_in_binary() {
    each(&Server::start(None), |client| {
        let mut out = Vec::new();
        command::prepare(&mut out, b"types");
        let prepared = client.ask(&out, ReplyKind::Prepare).unwrap();
        let count = u16::try_from(samples().len()).unwrap();
        assert_eq!(prepared.prepared, Some((TYPES, count, 0)));
        check_columns(&prepared);
        let execute = [&[0x17][..], &TYPES.to_le_bytes(), &[0, 1, 0, 0, 0]].concat();
        out.clear();
        command::forward(&mut out, &execute);
        let told = client.ask(&out, STATEMENT).unwrap();
        check_columns(&told);
        assert_eq!(told.rows.len(), 3);
        let layouts: Vec<_> = told.columns.iter().map(|(_, kind, sign)| (*kind, *sign)).collect();
        for (number, row) in told.rows.iter().enumerate() {
            let values = binary_values(row, &layouts).unwrap();
            for ((place, sample), read) in samples().iter().enumerate().zip(values) {
                let expected = if is_null(number, place) { Value::Null } else { sample.value };
                assert!(read == expected, "row {number}, {:?} at {place}", sample.kind);
            }
        }
    });
}

#[test]
fn results_end_where_the_server_ends_them() {
    each(&Server::start(None), |client| {
        let numbers = |told: &Told| -> Vec<String> {
            let first = |row: &Vec<u8>| text_values(row).next().flatten().unwrap().to_vec();
            told.rows.iter().map(|row| String::from_utf8(first(row)).unwrap()).collect()
        };
        let all: Vec<String> = (0..MANY).map(|number| number.to_string()).collect();
        let many = client.ask(&query("many"), STATEMENT).unwrap();
        assert_eq!((numbers(&many), many.ends.len(), many.error), (all.clone(), 1, None));
        let nothing = client.ask(&query("nothing"), STATEMENT).unwrap();
        assert_eq!((numbers(&nothing), nothing.ends.len()), (Vec::new(), 1));
        // An error ends rows, and not one of them is lost or taken for it.
        let broken = client.ask(&query("interrupted"), STATEMENT).unwrap();
        let error = (1317, "70100".to_owned(), "interrupted".to_owned());
        assert_eq!((numbers(&broken), broken.ends.len(), broken.error), (all, 0, Some(error)));
    });
    // Where an OK packet ends rows, opensrv-mysql does not say in it that more results follow.
    for cutting in [Cutting::Steps, Cutting::Runs] {
        let server = Server::start(None);
        let mut client = Client::open(&server, EOF, cutting);
        let told = client.ask(&query("two"), STATEMENT).unwrap();
        assert_eq!((told.rows, told.ends.len()), (vec![b"\x011".to_vec(), b"\x012".to_vec()], 2));
    }
}

/// The bytes of the reply to "interrupted": one column, rows of one number, an error.
fn reply_length(capabilities_have_eof: bool) -> usize {
    let column = 4 + 1 + 4 + (4 + 1 + 2 + 1 + 3 + 1 + 13);
    let rows: usize = (0..MANY).map(|number| 4 + 1 + number.to_string().len()).sum();
    let eof = if capabilities_have_eof { 9 } else { 0 };
    column + eof + rows + 4 + 9 + "interrupted".len()
}

#[test]
fn no_beginning_of_a_reply_is_taken_for_the_whole() {
    let server = Server::start(None);
    for capabilities in [EOF, NO_EOF] {
        let mut client = Client::open(&server, capabilities, Cutting::Steps);
        let bytes = client.raw(&query("interrupted"), reply_length(capabilities == EOF));
        for cutting in [Cutting::Steps, Cutting::Runs] {
            // In one piece, and byte by byte: what is read does not depend on where the network cuts.
            let mut whole = Reading::new(STATEMENT, capabilities, cutting);
            assert!(whole.take(&mut bytes.clone()));
            let mut slowly = Reading::new(STATEMENT, capabilities, cutting);
            let mut inbox = Vec::new();
            for (place, byte) in bytes.iter().enumerate() {
                inbox.push(*byte);
                assert_eq!(slowly.take(&mut inbox), place + 1 == bytes.len(), "byte {place}");
            }
            assert_eq!(slowly.told, whole.told);
        }
    }
}

#[test]
fn a_socket_that_closes_in_a_packet_gives_no_reply() {
    // The first is behind the login, in the definition of a column; the last in the long value.
    for cut in [180, 5_000, 200_000] {
        each(&Server::start(Some(cut)), |client| {
            assert_eq!(client.ask(&query("types"), STATEMENT), None, "cut after {cut}");
        });
    }
}

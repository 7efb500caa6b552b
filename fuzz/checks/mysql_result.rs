//! The reply of a MySQL server to one command: however the stream is cut, the same packets come out of it and the
//! reply ends at the same place; what parses is written again and must say the same.
//!
//! Input: a byte that says what command it was, eight bytes of capabilities, packets from sequence number 1.

use jurat_wire::mysql::capability::Capabilities;
use jurat_wire::mysql::encode::server as encode;
use jurat_wire::mysql::frame::{Limits, Piece, Scanner};
use jurat_wire::mysql::response::{ColumnDefinition, OkPacket};
use jurat_wire::mysql::result::{Event, Reply, ReplyKind};
use jurat_wire::mysql::row::{binary_values, check_text_row, text_values};

const KINDS: [ReplyKind; 7] = [
    ReplyKind::Statement { cursor: false },
    ReplyKind::Statement { cursor: true },
    ReplyKind::Prepare,
    ReplyKind::Fetch,
    ReplyKind::FieldList,
    ReplyKind::Statistics,
    ReplyKind::Simple,
];

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    let Some((&[kind, a, b, c, d, e, f, g, h], stream)) = data.split_first_chunk::<9>() else {
        return;
    };
    let halves = [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes);
    let capabilities = Capabilities::from_halves(halves[0], halves[1]);
    let kind = KINDS[usize::from(kind) % KINDS.len()];
    let whole = read(kind, capabilities, None, &[stream]);
    for at in [1, 3, 4, 5, 9, stream.len() / 2] {
        let (head, tail) = stream.split_at(at.min(stream.len()));
        assert_eq!(whole, read(kind, capabilities, None, &[head, tail]), "cut at {at}");
        let (streamed, end) = read(kind, capabilities, Some(16), &[head, tail]);
        if whole.1 == End::Done {
            assert_eq!((&whole.0, whole.1), (&streamed, end), "streamed, cut at {at}");
        }
    }
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// It is over.
    Done,
    /// It breaks the protocol.
    Broken,
    /// More bytes are needed.
    Open,
}

/// The packets of a reply that arrives in these reads, as they were understood.
fn read(
    kind: ReplyKind,
    capabilities: Capabilities,
    stream_above: Option<usize>,
    reads: &[&[u8]],
) -> (Vec<Vec<u8>>, End) {
    let limits = Limits { payload_max: 1 << 20, stream_above: None };
    let mut scanner = Scanner::new(1, limits);
    let mut reply = Reply::new(kind, capabilities);
    let (mut buffer, mut packets): (Vec<u8>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    let mut layout = Vec::new();
    for part in reads {
        buffer.extend_from_slice(part);
        loop {
            if reply.is_done() {
                return (packets, End::Done);
            }
            scanner.stream_above(stream_above.filter(|_| reply.is_in_rows()));
            let piece = match scanner.next(&buffer) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(_) => return (packets, End::Broken),
            };
            let used = piece.bytes().len();
            assert!(used > 0, "a step without progress would never end");
            match reply.next(&piece) {
                Ok(Some(event)) => {
                    look(&event, capabilities, &mut layout);
                    packets.push(piece.bytes().to_vec());
                }
                Ok(None) => {
                    let Piece::Part { bytes, .. } = piece else {
                        panic!("a packet without a meaning")
                    };
                    packets.last_mut().expect("a row has begun").extend_from_slice(bytes);
                }
                Err(_) => return (packets, End::Broken),
            }
            buffer.drain(..used);
        }
    }
    (packets, if reply.is_done() { End::Done } else { End::Open })
}

/// What was understood is written again and read again.
fn look(
    event: &Event<'_>,
    capabilities: Capabilities,
    layout: &mut Vec<(jurat_wire::mysql::column_type::ColumnType, bool)>,
) {
    let mut out = Vec::new();
    match event {
        Event::Ok(ok) | Event::RowsEnd(ok) => {
            let mut seen = 0;
            ok.changes.each(|_| seen += 1);
            encode::ok(&mut out, &mut 0, ok, capabilities).expect("was read");
            let again = OkPacket::parse(&out[4..], capabilities).expect("was written");
            assert_eq!(again.affected_rows, ok.affected_rows);
            assert_eq!(again.warnings, ok.warnings);
            if capabilities.contains(Capabilities::SESSION_TRACK) {
                assert_eq!(again.changes, ok.changes);
            }
        }
        Event::Column(column) | Event::Parameter(column) => {
            layout.push(column.layout());
            encode::column(&mut out, &mut 0, column, capabilities, false).expect("was read");
            let again =
                ColumnDefinition::parse(&out[4..], capabilities, false).expect("was written");
            assert_eq!(again, ColumnDefinition { default: None, ..*column });
        }
        Event::ColumnCount(_) => layout.clear(),
        Event::Row { payload, whole: true } => {
            let values = text_values(payload).count();
            if check_text_row(payload, layout.len()).is_ok() {
                assert_eq!(values, layout.len());
            }
            if let Ok(values) = binary_values(payload, layout) {
                assert_eq!(values.len(), layout.len());
            }
        }
        Event::Row { payload, whole: false } => assert!(!payload.is_empty()),
        Event::Err(error) => assert_eq!(error.sqlstate().len(), 5),
        Event::DefinitionsEnd(_)
        | Event::LocalInfile { .. }
        | Event::Prepared(_)
        | Event::Text(_) => {}
    }
}

//! When the server's list of warnings may hold masked values, and what is said in its place.
//!
//! `SHOW WARNINGS` quotes values: `Truncated incorrect DOUBLE value: 'ana@example.org'`. The list stays until a
//! later statement that uses a table, so until then a client that asks for it gets an empty one.

use jurat_core::{JudgedStatement, Permit, Running};
use jurat_wire::mysql::{capability::Status, encode::server as encode, response::OkPacket};

use super::Relay;
use crate::respond;

/// The kinds of statements that show the list.
const SHOWS_WARNINGS: [&str; 2] = ["show_warnings", "show_errors"];

/// Whether a statement shows the list.
pub(super) fn shows_warnings(judged: &JudgedStatement) -> bool {
    SHOWS_WARNINGS.contains(&judged.statement().facts().kind.as_str())
}

impl Relay {
    /// Notes what the list may hold once a statement has run.
    pub(super) fn note_warnings(&mut self, run: &Running) {
        let facts = run.judged().statement().facts();
        if run.protects() {
            self.guarded = true;
        } else if !facts.relations.is_empty() {
            self.guarded = false;
        }
    }

    /// Answers a statement that shows the list in the database's place, where the list may hold masked values.
    /// The statement was judged and does not run, which is what its record then says.
    pub(super) fn answers_itself(&mut self, permit: &Permit, binary: bool, more: bool) -> bool {
        let kind = permit.kind();
        if SHOWS_WARNINGS.contains(&kind) && self.shows_told(&permit.text(), binary, more) {
            return true;
        }
        if !self.guarded || !SHOWS_WARNINGS.contains(&kind) {
            return false;
        }
        let status = if more { self.status.with(Status::MORE_RESULTS) } else { self.status };
        let end = OkPacket { status, ..OkPacket::default() };
        let columns = ["Level", "Code", "Message"];
        let (out, capabilities) = (self.client.out(), self.capabilities);
        respond::write(encode::text_result(
            out,
            &mut self.sequence,
            &columns,
            &[],
            capabilities,
            &end,
        ));
        true
    }
}

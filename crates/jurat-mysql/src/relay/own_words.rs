//! Statements about Jurat that Jurat answers itself: as a query, and prepared. Also what `SHOW WARNINGS` says
//! of an error that was Jurat's.

use jurat_core::{OwnAnswer, OwnWords};
use jurat_wire::mysql::{
    capability::Status,
    encode::server as encode,
    response::{OkPacket, PrepareOk},
};

use super::{End, Relay};
use crate::respond;

impl Relay {
    /// Answers it. `binary` says that rows have the form of prepared statements.
    pub(super) async fn on_own_words(&mut self, words: &OwnWords, binary: bool) -> Result<(), End> {
        match self.session.answer_own(words, self.hold.last_refusal()).await {
            Ok(OwnAnswer::Rows { name, rows }) => {
                let rows: Vec<Vec<String>> = rows.into_iter().map(|row| vec![row]).collect();
                self.own_rows(&[name], &rows, binary, false);
            }
            Ok(OwnAnswer::Done(told)) => {
                let end =
                    OkPacket { status: self.status, info: told.as_bytes(), ..OkPacket::default() };
                let (out, capabilities) = (self.client.out(), self.capabilities);
                respond::write(encode::ok(out, &mut self.sequence, &end, capabilities));
            }
            Err(refusal) => self.refuse(&refusal),
        }
        Ok(())
    }

    /// Prepares it: there is nothing to send, and its number is one that no server gives.
    pub(super) fn prepare_own(&mut self, words: OwnWords) {
        let column = words.column();
        let statement = self.statements.put_own(words);
        let columns = u16::from(column.is_some());
        let ok = PrepareOk { statement, columns, parameters: 0, warnings: 0 };
        let (out, capabilities) = (self.client.out(), self.capabilities);
        encode::prepare_ok(out, &mut self.sequence, &ok);
        if let Some(name) = column {
            let definition = encode::text_column(name);
            let sequence = &mut self.sequence;
            respond::write(encode::column(out, sequence, &definition, capabilities, false));
            respond::write(encode::definitions_end(out, sequence, self.status, capabilities));
        }
    }

    /// Answers `SHOW WARNINGS` and the like where the last error was Jurat's. Nothing of it is with the server.
    /// Tells whether it was so.
    pub(super) fn shows_told(&mut self, text: &str, binary: bool, more: bool) -> bool {
        if self.hold.told().is_empty() {
            return false;
        }
        let text = text.to_ascii_lowercase();
        let errors = text.contains("errors");
        let told = self.hold.told().iter().filter(|told| !errors || told.level == "Error");
        let rows: Vec<Vec<String>> = told
            .map(|told| vec![told.level.to_owned(), told.code.to_string(), told.words.clone()])
            .collect();
        if text.contains("count") {
            let name = if errors { "@@session.error_count" } else { "@@session.warning_count" };
            self.own_rows(&[name], &[vec![rows.len().to_string()]], binary, more);
        } else {
            self.own_rows(&["Level", "Code", "Message"], &rows, binary, more);
        }
        true
    }

    fn own_rows(&mut self, columns: &[&str], rows: &[Vec<String>], binary: bool, more: bool) {
        let status = if more { self.status.with(Status::MORE_RESULTS) } else { self.status };
        let end = OkPacket { status, ..OkPacket::default() };
        let rows: Vec<Vec<Option<&[u8]>>> = rows
            .iter()
            .map(|row| row.iter().map(|value| Some(value.as_bytes())).collect())
            .collect();
        let (out, capabilities) = (self.client.out(), self.capabilities);
        let write = if binary { encode::binary_result } else { encode::text_result };
        respond::write(write(out, &mut self.sequence, columns, &rows, capabilities, &end));
    }
}

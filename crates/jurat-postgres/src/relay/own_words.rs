//! Statements about Jurat in a message of the simple protocol, which Jurat answers itself.

use jurat_core::{OwnAnswer, OwnWords};
use jurat_wire::postgres::{encode::backend as encode, value::Format};

use super::{End, Relay};
use crate::respond::{self, write};

impl Relay {
    /// Answers it. What was sent before was answered.
    pub(super) async fn on_own_words(&mut self, words: &OwnWords) -> Result<(), End> {
        match self.session.answer_own(words, self.hold.last_refusal()).await {
            Ok(answer) => {
                let out = self.client.out();
                match answer {
                    OwnAnswer::Rows { name, rows } => {
                        write(encode::text_row_description(out, &[name], Format::Text));
                        for row in rows {
                            let row = row.replace('\0', " ");
                            write(encode::data_row(out, &[Some(row.as_bytes())]));
                        }
                        write(encode::command_complete(out, "SHOW"));
                    }
                    OwnAnswer::Done(told) => {
                        respond::notice(out, &told, None);
                        write(encode::command_complete(out, "CALL"));
                    }
                }
                encode::ready_for_query(out, self.status);
            }
            Err(refusal) => self.refuse_query(&refusal),
        }
        Ok(())
    }
}

//! A stream of server messages: every list has as many entries as it says, and what this crate can
//! write is written again and must be the same bytes.

use jurat_wire::postgres::backend::authentication::Authentication;
use jurat_wire::postgres::backend::{Backend, parse_backend};
use jurat_wire::postgres::encode::backend as encode;
use jurat_wire::postgres::frame::{Frame, Frames};

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    for frame in Frames::new(data, 1 << 20) {
        let Ok(frame) = frame else { break };
        if let Ok(message) = parse_backend(frame.tag, frame.body) {
            compare(&frame, &message);
        }
    }
}

fn compare(frame: &Frame<'_>, message: &Backend<'_>) {
    let mut out = Vec::new();
    match message {
        Backend::Authentication(Authentication::Ok) => encode::authentication_ok(&mut out),
        Backend::Authentication(Authentication::Sasl(mechanisms)) => {
            let names: Vec<_> = mechanisms.iter().collect();
            encode::authentication_sasl(&mut out, &names).expect("was read");
        }
        Backend::Authentication(Authentication::SaslContinue(data)) => {
            encode::authentication_sasl_continue(&mut out, data.expose()).expect("was read");
        }
        Backend::Authentication(Authentication::SaslFinal(data)) => {
            encode::authentication_sasl_final(&mut out, data.expose()).expect("was read");
        }
        Backend::BackendKeyData { process_id, secret } => {
            encode::backend_key_data(&mut out, *process_id, secret.expose()).expect("was read");
        }
        Backend::ParameterStatus { name, value } => {
            encode::parameter_status(&mut out, name, value).expect("was read");
        }
        Backend::ReadyForQuery(status) => encode::ready_for_query(&mut out, *status),
        Backend::CommandComplete(command) => {
            let _ = (command.rows(), command.command(), command.words().count());
            return;
        }
        Backend::ErrorResponse(fields) | Backend::NoticeResponse(fields) => {
            let texts: usize = fields.iter().map(|(_, text)| text.len() + 2).sum();
            assert_eq!(texts + 1, frame.body.len());
            let _ = (fields.code(), fields.is_fatal());
            return;
        }
        Backend::DataRow(values) => {
            assert_eq!(values.iter().count(), values.len());
            let values: Vec<_> = values.iter().collect();
            if encode::data_row(&mut out, &values).is_err() {
                assert!(values.len() > 32_767);
                return;
            }
        }
        Backend::RowDescription(row) => {
            assert_eq!(row.fields().count(), row.len());
            return;
        }
        Backend::ParameterDescription(oids) => {
            assert_eq!(oids.iter().count(), oids.len());
            return;
        }
        Backend::CopyInResponse(copy)
        | Backend::CopyOutResponse(copy)
        | Backend::CopyBothResponse(copy) => {
            assert_eq!(copy.columns.iter().count(), copy.columns.len());
            return;
        }
        Backend::NegotiateProtocolVersion(answer) => {
            assert_eq!(answer.unrecognized().count(), answer.unrecognized_len());
            return;
        }
        _ => return,
    }
    assert_eq!(out, frame.whole);
}

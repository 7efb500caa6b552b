//! Statements about Jurat in the extended protocol, which most drivers speak and nothing else.
//!
//! The database never hears of them: their statements and portals are kept here, under the names that the client gives
//! them. Each of their messages waits until everything before it was answered, so that it counts only where nothing
//! before it has failed, and is then answered at once. The Sync behind them goes to the database, as any other.

use std::collections::{HashMap, VecDeque};

use jurat_core::{OwnAnswer, OwnTemplate, OwnWords, SessionEffect, begins_own_words, refusal};
use jurat_types::{Refusal, RefusalCode};
use jurat_wire::postgres::{
    backend::TransactionStatus,
    encode::backend as encode,
    frame::Frame,
    frontend::{Bind, Frontend, parse_frontend},
    value::{Format, Target},
};

use super::{End, Relay, from_client::limit};
use crate::respond::{self, write};

/// `unknown`, `text`, `bpchar` and `varchar` (`pg_type.oid`), and the type that is left to the server. The binary form
/// of each is its text.
const TEXTS: [u32; 5] = [0, TEXT, 705, 1042, 1043];
const TEXT: u32 = 25;

/// What a session keeps of them.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Nothing in nearly every session.
    names: Option<Box<Names>>,
    /// The client's next message is one of them, and waits for the answers to what came before it.
    waits: bool,
}

#[derive(Debug, Default)]
struct Names {
    statements: HashMap<Vec<u8>, Statement>,
    portals: HashMap<Vec<u8>, Portal>,
}

#[derive(Clone, Debug)]
struct Statement {
    asks: Asks,
    /// The types of its parameters.
    types: Vec<u32>,
}

#[derive(Clone, Debug)]
enum Asks {
    Words(OwnTemplate),
    /// DEALLOCATE of one of them.
    Deallocate(Vec<u8>),
}

#[derive(Debug)]
struct Portal {
    asks: Asked,
    column: Option<&'static str>,
    format: Format,
    /// What is left of its rows, once it has run.
    rows: Option<VecDeque<String>>,
}

#[derive(Debug)]
enum Asked {
    Words(OwnWords),
    Deallocate(Vec<u8>),
    /// It has run.
    Nothing,
}

impl Own {
    pub(super) const fn is_waiting(&self) -> bool {
        self.waits
    }

    /// Whether a message is one of them, or changes what stands under one of their names.
    pub(super) fn concerns(&self, message: &Frontend<'_>) -> bool {
        match (message, &self.names) {
            (Frontend::Parse { text, .. }, None) => begins_own_words(text),
            (_, None) => false,
            (Frontend::Parse { name, text, .. }, Some(names)) => {
                begins_own_words(text)
                    || names.statements.contains_key(*name)
                    || names.deallocated(text).is_some()
            }
            (Frontend::Query { .. } | Frontend::Sync, Some(_)) => true,
            (Frontend::Bind(bind), Some(names)) => {
                names.statements.contains_key(bind.statement)
                    || names.portals.contains_key(bind.portal)
            }
            (Frontend::Execute { portal, .. }, Some(names)) => names.portals.contains_key(*portal),
            (
                Frontend::Close { target, name } | Frontend::Describe { target, name },
                Some(names),
            ) => names.has(*target, name),
            (
                Frontend::CopyData(_)
                | Frontend::CopyDone
                | Frontend::CopyFail { .. }
                | Frontend::Flush
                | Frontend::FunctionCall(_)
                | Frontend::Password(_)
                | Frontend::Terminate,
                Some(_),
            ) => false,
        }
    }

    /// A statement that was sent ends all prepared statements of the session.
    pub(super) fn note(&mut self, effect: &SessionEffect) {
        if self.names.is_some()
            && matches!(
                effect,
                SessionEffect::Deallocate { name: None } | SessionEffect::DiscardAll
            )
        {
            self.names = None;
        }
    }
}

impl Names {
    fn has(&self, target: Target, name: &[u8]) -> bool {
        match target {
            Target::Statement => self.statements.contains_key(name),
            Target::Portal => self.portals.contains_key(name),
        }
    }

    /// Which of the statements a text deallocates.
    fn deallocated(&self, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?.trim().trim_end_matches(';').trim_end();
        let (verb, rest) = text.split_once(|c: char| c.is_ascii_whitespace())?;
        let rest = rest.trim();
        let name = match rest.split_once(|c: char| c.is_ascii_whitespace()) {
            Some((prepare, name)) if prepare.eq_ignore_ascii_case("prepare") => name.trim_start(),
            Some(_) => return None,
            None => rest,
        };
        let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => name.to_ascii_lowercase(),
        };
        let deallocates = verb.eq_ignore_ascii_case("deallocate");
        (deallocates && self.statements.contains_key(name.as_bytes())).then(|| name.into_bytes())
    }
}

impl Relay {
    /// Whether a message has to wait until what came before it was answered. The answers are asked for then.
    pub(super) fn own_must_wait(&mut self, frame: &Frame<'_>) -> Result<bool, End> {
        self.own.waits = false;
        if self.queue.is_empty() || self.skipping || self.copy.takes_rows() {
            return Ok(false);
        }
        self.own.waits = match (frame.tag, &self.own.names) {
            (b'Q', None) => begins_own_words(frame.body),
            // Behind the name.
            (b'P', None) => {
                frame.body.splitn(2, |byte| *byte == 0).nth(1).is_some_and(begins_own_words)
            }
            (b'Q', Some(names)) => {
                let text = frame.body.strip_suffix(b"\0").unwrap_or(frame.body);
                begins_own_words(text) || names.deallocated(text).is_some()
            }
            (b'B' | b'C' | b'D' | b'E' | b'P', Some(_)) => {
                self.own.concerns(&parse_frontend(frame.tag, frame.body)?)
            }
            _ => false,
        };
        if self.own.waits {
            self.upstream.flush();
        }
        Ok(self.own.waits)
    }

    /// Handles a message that concerns them. Tells whether that was all: otherwise it goes the way of any other.
    pub(super) async fn takes_own(&mut self, message: &Frontend<'_>) -> bool {
        match message {
            Frontend::Parse { name, text, parameter_types } => {
                let deallocated = || self.own.names.as_ref()?.deallocated(text);
                let asks = OwnTemplate::read(text).map(Asks::Words);
                match asks.or_else(|| deallocated().map(Asks::Deallocate)) {
                    Some(asks) => self.own_parse(name, asks, parameter_types.iter().collect()),
                    None => return self.own_gives_way(Target::Statement, name),
                }
            }
            Frontend::Bind(bind) => {
                let statement = |own: &Names| own.statements.get(bind.statement).cloned();
                match self.own.names.as_deref().and_then(statement) {
                    Some(statement) => self.own_bind(bind, &statement),
                    None => return self.own_gives_way(Target::Portal, bind.portal),
                }
            }
            Frontend::Describe { target, name } => self.own_describe(*target, name),
            Frontend::Execute { portal, max_rows } => self.own_execute(portal, *max_rows).await,
            Frontend::Close { target, name } => {
                self.own_forget(*target, name);
                self.tell(encode::close_complete);
            }
            Frontend::Query { text } => {
                self.own_forget(Target::Statement, b"");
                self.own_forget(Target::Portal, b"");
                let Some(name) = self.own.names.as_ref().and_then(|own| own.deallocated(text))
                else {
                    return false;
                };
                self.own_forget(Target::Statement, &name);
                let status = self.status;
                self.tell(|out| {
                    write(encode::command_complete(out, "DEALLOCATE"));
                    encode::ready_for_query(out, status);
                });
            }
            // Portals end with their transaction.
            Frontend::Sync => {
                if self.status == TransactionStatus::Idle
                    && let Some(own) = &mut self.own.names
                {
                    own.portals.clear();
                }
                return false;
            }
            Frontend::CopyData(_)
            | Frontend::CopyDone
            | Frontend::CopyFail { .. }
            | Frontend::Flush
            | Frontend::FunctionCall(_)
            | Frontend::Password(_)
            | Frontend::Terminate => return false,
        }
        true
    }

    /// Something of the database's comes under a name of theirs. Tells whether that is refused.
    fn own_gives_way(&mut self, target: Target, name: &[u8]) -> bool {
        let taken = self.own.names.as_ref().is_some_and(|own| own.has(target, name));
        if taken && !name.is_empty() {
            self.refuse_extended(&exists(target, name));
            return true;
        }
        self.own_forget(target, name);
        false
    }

    fn own_forget(&mut self, target: Target, name: &[u8]) {
        let Some(own) = &mut self.own.names else { return };
        match target {
            Target::Statement => drop(own.statements.remove(name)),
            Target::Portal => drop(own.portals.remove(name)),
        }
    }

    fn own_parse(&mut self, name: &[u8], asks: Asks, mut types: Vec<u32>) {
        let own = self.own.names.get_or_insert_default();
        let taken = own.statements.contains_key(name) || self.names.statement(name).is_some();
        let kept = own.statements.len().saturating_add(self.names.statements_len());
        let full = kept >= self.session.gate().limits.prepared_max;
        let parameters = match &asks {
            Asks::Words(template) => usize::from(template.parameters()),
            Asks::Deallocate(_) => 0,
        };
        if taken && !name.is_empty() {
            return self.refuse_extended(&exists(Target::Statement, name));
        }
        if full {
            return self.refuse_extended(&limit("prepared statements"));
        }
        if types.iter().any(|oid| !TEXTS.contains(oid)) {
            return self.refuse_extended(&not_a_text());
        }
        types.resize(parameters.max(types.len()), TEXT);
        for oid in &mut types {
            if matches!(*oid, 0 | 705) {
                *oid = TEXT;
            }
        }
        own.statements.insert(name.to_vec(), Statement { asks, types });
        // What the database has under that name is not reached any more.
        drop(self.names.close_statement(name));
        self.tell(encode::parse_complete);
    }

    fn own_bind(&mut self, bind: &Bind<'_>, statement: &Statement) {
        let taken = self.names.portal(bind.portal).is_some()
            || self.own.names.as_ref().is_some_and(|own| own.portals.contains_key(bind.portal));
        if taken && !bind.portal.is_empty() {
            return self.refuse_extended(&exists(Target::Portal, bind.portal));
        }
        let kept = self.own.names.as_ref().map_or(0, |own| own.portals.len());
        if kept.saturating_add(self.names.portals_len()) >= self.session.gate().limits.portals_max {
            return self.refuse_extended(&limit("portals"));
        }
        let text = |value: Option<&[u8]>| String::from_utf8(value?.to_vec()).ok();
        let values: Option<Vec<String>> = bind.parameters.iter().map(text).collect();
        let Some(values) = values else { return self.refuse_extended(&not_a_text()) };
        if values.len() != statement.types.len() {
            return self.refuse_extended(&protocol(format!(
                "bind message supplies {} parameters, but the prepared statement requires {}",
                values.len(),
                statement.types.len()
            )));
        }
        let (asks, column) = match &statement.asks {
            Asks::Words(template) => match template.bind(&values) {
                Some(words) => (Asked::Words(words), template.column()),
                None => return self.refuse_extended(&not_a_text()),
            },
            Asks::Deallocate(name) => (Asked::Deallocate(name.clone()), None),
        };
        let formats = bind.result_formats;
        if column.is_some() && formats.iter().count() > 1 {
            let formats = formats.iter().count();
            let why = format!("bind message has {formats} result formats but query has 1 columns");
            return self.refuse_extended(&protocol(why));
        }
        let format = formats.of(0).unwrap_or(Format::Text);
        let portal = Portal { asks, column, format, rows: None };
        if let Some(own) = &mut self.own.names {
            own.portals.insert(bind.portal.to_vec(), portal);
        }
        drop(self.names.close_portal(bind.portal));
        self.tell(encode::bind_complete);
    }

    fn own_describe(&mut self, target: Target, name: &[u8]) {
        let Some(own) = &self.own.names else { return };
        let (types, column, format) = match target {
            Target::Statement => {
                let Some(statement) = own.statements.get(name) else { return };
                let column = match &statement.asks {
                    Asks::Words(template) => template.column(),
                    Asks::Deallocate(_) => None,
                };
                (Some(statement.types.clone()), column, Format::Text)
            }
            Target::Portal => {
                let Some(portal) = own.portals.get(name) else { return };
                (None, portal.column, portal.format)
            }
        };
        self.tell(|out| {
            if let Some(types) = types {
                write(encode::parameter_description(out, &types));
            }
            match column {
                Some(column) => write(encode::text_row_description(out, &[column], format)),
                None => encode::no_data(out),
            }
        });
    }

    /// Answers a portal of theirs, or more of its rows.
    async fn own_execute(&mut self, name: &[u8], max_rows: i32) {
        let Some(mut portal) = self.own.names.as_mut().and_then(|own| own.portals.remove(name))
        else {
            return;
        };
        match std::mem::replace(&mut portal.asks, Asked::Nothing) {
            Asked::Words(words) => {
                match self.session.answer_own(&words, self.hold.last_refusal()).await {
                    Ok(OwnAnswer::Rows { rows, .. }) => portal.rows = Some(rows.into()),
                    Ok(OwnAnswer::Done(told)) => self.tell(|out| {
                        respond::notice(out, &told, None);
                        write(encode::command_complete(out, "CALL"));
                    }),
                    Err(refusal) => return self.refuse_extended(&refusal),
                }
            }
            Asked::Deallocate(name) => {
                self.own_forget(Target::Statement, &name);
                self.tell(|out| write(encode::command_complete(out, "DEALLOCATE")));
            }
            Asked::Nothing if portal.rows.is_none() => {
                let name = String::from_utf8_lossy(name);
                let why = format!("portal \"{name}\" cannot be run");
                return self.refuse_extended(&refusal(RefusalCode::UnknownCursor, why, None));
            }
            Asked::Nothing => {}
        }
        if let Some(rows) = &mut portal.rows {
            let most = usize::try_from(max_rows).ok().filter(|most| *most > 0);
            let now: Vec<String> =
                rows.drain(..most.unwrap_or(rows.len()).min(rows.len())).collect();
            let left = !rows.is_empty();
            self.tell(|out| {
                for row in now {
                    let row = row.replace('\0', " ");
                    write(encode::data_row(out, &[Some(row.as_bytes())]));
                }
                if left {
                    encode::portal_suspended(out);
                } else {
                    write(encode::command_complete(out, "SHOW"));
                }
            });
        }
        if let Some(own) = &mut self.own.names {
            own.portals.insert(name.to_vec(), portal);
        }
    }
}

fn exists(target: Target, name: &[u8]) -> Refusal {
    let what = match target {
        Target::Statement => "prepared statement",
        Target::Portal => "cursor",
    };
    let why = format!("{what} \"{}\" already exists", String::from_utf8_lossy(name));
    refusal(RefusalCode::NotSupported, why, None)
}

fn protocol(why: String) -> Refusal {
    refusal(RefusalCode::ProtocolViolation, why, None)
}

fn not_a_text() -> Refusal {
    let why = "jurat refused the request: the parameters of SQL about jurat are texts, not NULL, and short \
               [JRT-UNSUPPORTED]";
    refusal(RefusalCode::NotSupported, why, None)
}

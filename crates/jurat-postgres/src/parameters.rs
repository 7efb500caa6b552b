//! The parameters of a start-up message: which are passed on, which are claims, which are refused.

use jurat_core::refusal;
use jurat_types::{Claimed, Refusal, RefusalCode, Replication};
use jurat_wire::postgres::startup::StartupMessage;

/// Settings that a client may choose at start-up, in lower case. They change how values are written
/// or how long things may take, never what a name means or how text is cut into tokens; those are
/// pinned. `search_path` is safe because it is read back from the server.
const PASSED_ON: [&str; 22] = [
    "application_name",
    "bytea_output",
    "client_min_messages",
    "datestyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lc_messages",
    "lock_timeout",
    "plan_cache_mode",
    "search_path",
    "statement_timeout",
    "tcp_keepalives_idle",
    "timezone",
    "transaction_timeout",
    "work_mem",
];

/// What a client asks for, in order of the checks that follow.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) claimed: Claimed,
    /// Settings for the database.
    pub(crate) settings: Vec<(String, String)>,
    /// The first thing that is refused. It is told only after the client has authenticated, so that
    /// nobody else learns what is configured.
    pub(crate) refused: Option<Refusal>,
    /// Options of the protocol (`_pq_.…`) that are not known.
    pub(crate) unknown_options: Vec<String>,
    pub(crate) minor: u16,
    pub(crate) replication: Option<Replication>,
}

impl Request {
    pub(crate) fn new(message: &StartupMessage<'_>) -> Self {
        let mut request = Self {
            user: message.value("user").unwrap_or_default().to_owned(),
            database: String::new(),
            claimed: Claimed::default(),
            settings: Vec::new(),
            refused: None,
            unknown_options: Vec::new(),
            minor: message.minor,
            replication: None,
        };
        if let Some(name) = message.duplicate() {
            // PostgreSQL takes the last one and others the first: two readings of one message.
            request.refuse(format!("start-up parameter `{}` is given twice", printable(name)));
        }
        for (name, value) in &message.parameters {
            match *name {
                "user" => {}
                "database" => (*value).clone_into(&mut request.database),
                "options" => request.options(value),
                "replication" => request.replication(value),
                name if name.starts_with("_pq_.") => {
                    request.unknown_options.push(name.to_owned());
                }
                name => request.setting(name, value),
            }
        }
        if request.database.is_empty() {
            request.database.clone_from(&request.user);
        }
        request
    }

    fn refuse(&mut self, why: String) {
        if self.refused.is_none() {
            self.refused = Some(refusal(
                RefusalCode::NotSupported,
                format!("jurat refused the session: {why} [JRT-UNSUPPORTED]"),
                Some("Leave the parameter out, or ask whoever runs jurat"),
            ));
        }
    }

    /// As PostgreSQL reads it (`ProcessStartupPacket`): the one word `database`, or any spelling of a
    /// boolean (`parse_bool`), of which the beginnings of words are some.
    fn replication(&mut self, value: &str) {
        let lower = value.to_ascii_lowercase();
        let begins = |word: &str, least: usize| lower.len() >= least && word.starts_with(&lower);
        if value == "database" {
            self.replication = Some(Replication::Logical);
        } else if begins("true", 1) || begins("yes", 1) || lower == "on" || lower == "1" {
            self.replication = Some(Replication::Physical);
        } else if !(begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0") {
            self.refuse("`replication` has a value that PostgreSQL does not know".to_owned());
        }
    }

    fn setting(&mut self, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        if lower == "client_encoding" {
            let encoding: String =
                value.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            if !["UTF8", "UNICODE"].contains(&encoding.to_ascii_uppercase().as_str()) {
                self.refuse("client_encoding must be UTF8".to_owned());
            }
        } else if let Some(claim) = lower.strip_prefix("jurat.") {
            self.claim(claim, value);
        } else if PASSED_ON.contains(&lower.as_str()) {
            if lower == "application_name" {
                self.claimed.application = Some(value.to_owned());
            }
            self.settings.push((lower, value.to_owned()));
        } else {
            self.refuse(format!("setting `{}` cannot be chosen at start-up", printable(name)));
        }
    }

    fn claim(&mut self, claim: &str, value: &str) {
        match claim {
            "purpose" => self.claimed.purpose = Some(value.to_owned()),
            "ticket" => self.claimed.ticket = Some(value.to_owned()),
            "trace" => self.claimed.trace = Some(value.to_owned()),
            other => {
                self.refuse(format!(
                    "`jurat.{}` is not known; there are jurat.purpose, jurat.ticket and jurat.trace",
                    printable(other)
                ));
            }
        }
    }

    /// Command-line options of the server process: `-c name=value` and `--name=value`, cut at white
    /// space with a backslash in front of what is meant literally (PostgreSQL `pg_split_opts`).
    fn options(&mut self, text: &str) {
        let mut words = split_options(text).into_iter();
        while let Some(word) = words.next() {
            let assignment = if word == "-c" {
                words.next()
            } else {
                word.strip_prefix("-c").or_else(|| word.strip_prefix("--")).map(str::to_owned)
            };
            match assignment.as_deref().and_then(|assignment| assignment.split_once('=')) {
                // The server takes `-` in such a name for `_`.
                Some((name, value)) => self.setting(&name.replace('-', "_"), value),
                None => {
                    self.refuse(format!("start-up option `{}` is not carried", printable(&word)));
                }
            }
        }
    }
}

fn split_options(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut open = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            word.extend(characters.next());
            open = true;
        } else if character.is_ascii_whitespace() || character == '\u{b}' {
            if std::mem::take(&mut open) {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(character);
            open = true;
        }
    }
    if open {
        words.push(word);
    }
    words
}

/// A name from outside, fit for one line of a message.
fn printable(name: &str) -> String {
    name.chars().take(63).filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Replication, Request, StartupMessage};

    fn request(parameters: &[(&'static str, &'static str)]) -> Request {
        let mut all = vec![("user", "ana"), ("database", "shop")];
        all.extend_from_slice(parameters);
        Request::new(&StartupMessage { major: 3, minor: 0, parameters: all })
    }

    #[test]
    fn harmless_settings_are_passed_on() {
        for (parameters, settings) in [
            (vec![("DateStyle", "ISO")], vec![("datestyle", "ISO")]),
            (vec![("options", "-c statement_timeout=5s")], vec![("statement_timeout", "5s")]),
            (vec![("options", "--statement-timeout=5s")], vec![("statement_timeout", "5s")]),
            (
                vec![("options", r"-cgeqo=off  -c search_path=a,\ b")],
                vec![("geqo", "off"), ("search_path", "a, b")],
            ),
            (vec![("client_encoding", "'utf-8'")], vec![]),
            (vec![("replication", "false")], vec![]),
        ] {
            let request = request(&parameters);
            let expected: Vec<_> =
                settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(request.settings, expected, "{parameters:?}");
            assert!(request.refused.is_none(), "{parameters:?}");
        }
    }

    #[test]
    fn claims_are_taken_and_not_passed_on() {
        let request = request(&[
            ("application_name", "psql"),
            ("options", "-c jurat.purpose=support -c jurat.ticket=OPS-42"),
        ]);
        assert_eq!(request.claimed.application.as_deref(), Some("psql"));
        assert_eq!(request.claimed.purpose.as_deref(), Some("support"));
        assert_eq!(request.claimed.ticket.as_deref(), Some("OPS-42"));
        assert_eq!(request.settings.len(), 1);
    }

    #[test]
    fn replication_is_read_as_the_server_reads_it() {
        for (values, expected) in [
            (&["database"][..], Some(Replication::Logical)),
            (
                &["true", "TRUE", "t", "tr", "Tru", "yes", "y", "on", "ON", "1"],
                Some(Replication::Physical),
            ),
            (&["false", "f", "Fal", "no", "N", "of", "off", "0"], None),
        ] {
            for value in values {
                let request = request(&[("replication", value)]);
                assert_eq!(request.replication, expected, "{value}");
                assert!(request.refused.is_none(), "{value}");
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for parameters in [
            vec![("replication", "DataBase")],
            vec![("replication", "o")],
            vec![("replication", "")],
            vec![("replication", "2")],
            vec![("client_encoding", "SJIS")],
            vec![("standard_conforming_strings", "off")],
            vec![("options", "-c standard_conforming_strings=off")],
            vec![("options", "-c role=postgres")],
            vec![("options", "--session_authorization=postgres")],
            vec![("options", "-c=")],
            vec![("options", "-c")],
            vec![("options", "-B 100")],
            vec![("options", "-c jurat.purposes=x")],
            vec![("user", "bob")],
            vec![("database", "other")],
            vec![("session_preload_libraries", "x")],
        ] {
            assert!(request(&parameters).refused.is_some(), "{parameters:?}");
        }
    }
}

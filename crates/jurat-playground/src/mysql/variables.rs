//! System variables: what clients read when they connect, and what they have set.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// The variables of a session.
#[derive(Clone, Debug)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
}

const VALUES: &[(&str, &str)] = &[
    ("auto_increment_increment", "1"),
    ("autocommit", "1"),
    ("character_set_client", "utf8mb4"),
    ("character_set_connection", "utf8mb4"),
    ("character_set_database", "utf8mb4"),
    ("character_set_results", "utf8mb4"),
    ("character_set_server", "utf8mb4"),
    ("collation_connection", "utf8mb4_general_ci"),
    ("collation_database", "utf8mb4_general_ci"),
    ("collation_server", "utf8mb4_general_ci"),
    ("foreign_key_checks", "1"),
    ("init_connect", ""),
    ("interactive_timeout", "28800"),
    ("license", "MIT OR Apache-2.0"),
    ("lower_case_table_names", "0"),
    ("max_allowed_packet", "67108864"),
    ("net_write_timeout", "60"),
    ("performance_schema", "0"),
    ("sql_mode", "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"),
    ("sql_quote_show_create", "1"),
    ("sql_select_limit", "18446744073709551615"),
    ("system_time_zone", "UTC"),
    ("time_zone", "SYSTEM"),
    ("transaction_isolation", "SERIALIZABLE"),
    ("transaction_read_only", "0"),
    ("tx_isolation", "SERIALIZABLE"),
    ("tx_read_only", "0"),
    ("version", crate::VERSION_MYSQL),
    ("version_comment", "Jurat playground: SQLite behind MySQL's protocol, for practice only"),
    ("wait_timeout", "28800"),
];

impl Variables {
    pub(super) fn new() -> Self {
        let values = VALUES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { values: values.collect() }
    }

    /// The value of `@@name`, `@@session.name` and the like.
    ///
    /// # Errors
    /// There is no such variable; `@name` is a user's, and those are not known.
    pub(super) fn get(&self, written: &str) -> Result<String, Failure> {
        let Some(name) = written.strip_prefix("@@") else {
            return Err(Failure::unsupported("variables of users"));
        };
        self.values
            .get(&bare(name))
            .cloned()
            .ok_or_else(|| Failure::new("42704", format!("Unknown system variable '{name}'")))
    }

    /// Takes a value; a variable that there was not is made, because it changes nothing.
    pub(super) fn set(&mut self, written: &str, value: &str) {
        if self.values.len() < VARIABLES_MAX && value.len() < VALUE_MAX {
            self.values.insert(bare(written.trim_start_matches('@')), value.to_owned());
        }
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.values.iter()
    }
}

const VARIABLES_MAX: usize = 1000;
const VALUE_MAX: usize = 10_000;

fn bare(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let scopes = ["session.", "global.", "local."];
    let found = scopes.iter().find_map(|scope| name.strip_prefix(scope));
    found.map_or_else(|| name.clone(), str::to_owned)
}

//! A secret is never written into the configuration: it is named by where it is found.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use jurat_types::Secret;
use serde::{
    Deserialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// What a person who wrote a secret is told. It must not repeat what was written.
const LITERAL: &str =
    "a secret is never written here: name it with { env = \"VARIABLE\" } or { file = \"path\" }";

/// Where a secret is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file; one line break at its end is not part of it.
    File(PathBuf),
}

/// Why a secret is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The variable is not set or is no text.
    #[error("the environment variable {name} is not set")]
    Env {
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl SecretRef {
    /// Fetches the secret.
    ///
    /// # Errors
    /// Where it is not there.
    pub(crate) fn fetch(&self) -> Result<Secret<String>, SecretError> {
        match self {
            Self::Env(name) => std::env::var(name)
                .map(Secret::new)
                .map_err(|_not_set| SecretError::Env { name: name.clone() }),
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| Secret::new(text.trim_end_matches(['\n', '\r']).to_owned()))
                .map_err(|source| SecretError::File { path: path.clone(), source }),
        }
    }

    /// The same, with a relative path taken from `base`.
    pub(crate) fn relative_to(self, base: &Path) -> Self {
        match self {
            Self::Env(name) => Self::Env(name),
            Self::File(path) => Self::File(base.join(path)),
        }
    }
}

/// The written form of a [`SecretRef`].
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSecret {
    /// An environment variable that holds the secret
    env: Option<String>,
    /// A file that holds the secret
    file: Option<PathBuf>,
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reference)
    }
}

struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"VARIABLE\" } or { file = \"path\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
        match RawSecret::deserialize(MapAccessDeserializer::new(map))? {
            RawSecret { env: Some(name), file: None } => Ok(SecretRef::Env(name)),
            RawSecret { env: None, file: Some(path) } => Ok(SecretRef::File(path)),
            RawSecret { .. } => Err(de::Error::custom("name a secret with either `env` or `file`")),
        }
    }

    fn visit_str<E: de::Error>(self, _secret: &str) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_bool<E: de::Error>(self, _secret: bool) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_i64<E: de::Error>(self, _secret: i64) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_f64<E: de::Error>(self, _secret: f64) -> Result<SecretRef, E> {
        Err(E::custom(LITERAL))
    }
}

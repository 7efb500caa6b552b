//! The users file: who may log in, with which verifier, and what policies are told about them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::{Path, PathBuf},
};

use jurat_core::{Authenticate, Credential};
use jurat_types::{Auth, AuthMethod, Delegator, Principal, PrincipalKind, Secret};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    VerifierError, check_verifier,
    document::{Document, DocumentError},
    mysql,
    verifier::{self, Decoy, USUAL_ITERATIONS},
};

/// The users of one file, as it was when it was read.
pub struct Users {
    file: PathBuf,
    known: HashMap<String, User>,
    decoy: Decoy,
    decoy_iterations: u32,
}

#[derive(Clone)]
struct User {
    principal: Principal,
    verifier: Secret<String>,
    mysql_sha2: Option<Secret<[u8; 32]>>,
    mysql_native: Option<Secret<[u8; 20]>>,
}

/// Why a users file was refused. Nothing of it is in use afterwards.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read or says something wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The system gave no randomness, without which unknown names cannot be hidden.
    #[error("the system gave no random bytes")]
    Random,
}

impl Users {
    /// Reads a users file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn load(file: &Path) -> Result<Self, UsersError> {
        let decoy = Decoy::new().ok_or(UsersError::Random)?;
        Ok(Self::from_document(&Document::read(file)?, file, decoy)?)
    }

    /// Reads the same file again. Names that exist in neither keep the salt that they had.
    ///
    /// # Errors
    /// As [`Users::load`]; `self` stays usable.
    pub fn reload(&self) -> Result<Self, UsersError> {
        Ok(Self::from_document(&Document::read(&self.file)?, &self.file, self.decoy.clone())?)
    }

    /// The names, sorted, with what policies are told about them.
    pub fn principals(&self) -> BTreeMap<&str, &Principal> {
        self.known.iter().map(|(name, user)| (name.as_str(), &user.principal)).collect()
    }

    /// What policies are told about one user.
    pub fn principal(&self, name: &str) -> Option<&Principal> {
        self.known.get(name).map(|user| &user.principal)
    }

    fn from_document(
        document: &Document,
        file: &Path,
        decoy: Decoy,
    ) -> Result<Self, DocumentError> {
        let raw: RawUsers = document.parse()?;
        let mut known = HashMap::with_capacity(raw.user.len());
        let mut iterations = BTreeMap::<u32, usize>::new();
        for user in raw.user {
            let place = user.name.span();
            let (user, cost) = user.resolve(document)?;
            let name = user.principal.id.clone();
            if known.insert(name.clone(), user).is_some() {
                return Err(document.error(place, format!("the user `{name}` is there twice")));
            }
            *iterations.entry(cost).or_default() += 1;
        }
        // An unknown name must look like the usual known one.
        let usual = iterations.into_iter().max_by_key(|(_, count)| *count);
        Ok(Self {
            file: file.to_path_buf(),
            known,
            decoy,
            decoy_iterations: usual.map_or(USUAL_ITERATIONS, |(cost, _)| cost),
        })
    }
}

impl Authenticate for Users {
    fn credential(&self, user: &str) -> Credential {
        // Made up for known names too, so that the time it takes tells nothing.
        let made_up = self.decoy.verifier(user, self.decoy_iterations);
        match self.known.get(user) {
            Some(known) => Credential {
                scram_verifier: known.verifier.clone(),
                mysql_sha2: known.mysql_sha2.clone(),
                mysql_native: known.mysql_native.clone(),
                principal: Some(known.principal.clone()),
            },
            None => Credential {
                scram_verifier: Secret::new(made_up),
                mysql_sha2: None,
                mysql_native: None,
                principal: None,
            },
        }
    }

    fn check_password(&self, user: &str, password: &[u8]) -> Option<Principal> {
        let Credential { scram_verifier, principal, .. } = self.credential(user);
        let fits = verifier::fits(scram_verifier.expose(), password);
        principal.filter(|_| fits).map(|mut principal| {
            principal.auth.method = AuthMethod::Password;
            principal
        })
    }
}

/// Prints names only.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users")
            .field("file", &self.file)
            .field("names", &self.principals().keys())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUsers {
    #[serde(default)]
    user: Vec<RawUser>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUser {
    name: Spanned<String>,
    kind: PrincipalKind,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Spanned<toml::Value>>,
    #[serde(default)]
    on_behalf_of: Option<Spanned<RawDelegator>>,
    scram: Spanned<String>,
    #[serde(default)]
    mysql_sha2: Option<Spanned<String>>,
    #[serde(default)]
    mysql_native: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDelegator {
    id: String,
    #[serde(default)]
    groups: Vec<String>,
}

impl RawUser {
    /// The user and the iterations of its verifier.
    fn resolve(self, document: &Document) -> Result<(User, u32), DocumentError> {
        let place = self.name.span();
        let name = self.name.into_inner();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(document.error(place, "a user's name is empty or has control characters"));
        }
        let iterations = check_verifier(self.scram.get_ref())
            .map_err(|error: VerifierError| document.error(self.scram.span(), error.to_string()))?;
        let on_behalf_of = match self.on_behalf_of {
            Some(delegator) if self.kind != PrincipalKind::Agent => {
                return Err(document.error(
                    delegator.span(),
                    format!("`{name}` is no agent, and only an agent acts on behalf of somebody"),
                ));
            }
            Some(delegator) => {
                let RawDelegator { id, groups } = delegator.into_inner();
                Some(Delegator { id, groups })
            }
            None => None,
        };
        let mut attributes = BTreeMap::new();
        for (key, value) in self.attributes {
            let place = value.span();
            let json = to_json(value.into_inner()).ok_or_else(|| {
                document.error(place, format!("the attribute `{key}` has no form in JSON"))
            })?;
            attributes.insert(key, json);
        }
        let mysql_sha2 = read_optional(document, self.mysql_sha2, mysql::read_sha2)?;
        let mysql_native = read_optional(document, self.mysql_native, mysql::read_native)?;
        let delegation = on_behalf_of.iter().map(|_delegator| name.clone()).collect();
        let principal = Principal {
            id: name,
            kind: self.kind,
            groups: self.groups,
            attributes,
            auth: Auth { method: AuthMethod::Scram, issuer: None, mfa: false },
            on_behalf_of,
            delegation,
        };
        let verifier = Secret::new(self.scram.into_inner());
        Ok((User { principal, verifier, mysql_sha2, mysql_native }, iterations))
    }
}

fn read_optional<T, E: fmt::Display>(
    document: &Document,
    text: Option<Spanned<String>>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<Secret<T>>, DocumentError> {
    text.map(|text| {
        read(text.get_ref())
            .map(Secret::new)
            .map_err(|error| document.error(text.span(), error.to_string()))
    })
    .transpose()
}

/// Policies read JSON: dates become text, and a float that JSON cannot hold is refused.
fn to_json(value: toml::Value) -> Option<serde_json::Value> {
    Some(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)?.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => {
            items.into_iter().map(to_json).collect::<Option<Vec<_>>>()?.into()
        }
        toml::Value::Table(entries) => entries
            .into_iter()
            .map(|(key, value)| Some((key, to_json(value)?)))
            .collect::<Option<serde_json::Map<_, _>>>()?
            .into(),
    })
}

#[cfg(test)]
mod tests;

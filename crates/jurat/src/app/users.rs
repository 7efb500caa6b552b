//! The users in force: swapped as a whole when their file was read again.

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;
use jurat_core::{Authenticate, Credential};
use jurat_identity::{Users, UsersError};
use jurat_types::Principal;

use crate::exit::{Exit, Failure};

/// The users in force.
#[derive(Debug)]
pub(crate) struct LiveUsers {
    current: ArcSwap<Users>,
}

impl LiveUsers {
    /// Reads the users file.
    ///
    /// # Errors
    /// Where it cannot be used.
    pub(crate) fn load(file: &Path) -> Result<Self, Failure> {
        Users::load(file)
            .map(|users| Self { current: ArcSwap::from_pointee(users) })
            .map_err(|error| Failure::because(Exit::Usage, "the users", &error))
    }

    /// Reads the file again and returns how many users it has. Sessions that exist keep who they are.
    ///
    /// # Errors
    /// Where it cannot be used; the users that were in force stay.
    pub(crate) fn reload(&self) -> Result<usize, UsersError> {
        let users = self.current.load().reload()?;
        let count = users.principals().len();
        self.current.store(Arc::new(users));
        Ok(count)
    }
}

impl Authenticate for LiveUsers {
    fn credential(&self, user: &str) -> Credential {
        self.current.load().credential(user)
    }

    fn check_password(&self, user: &str, password: &[u8]) -> Option<Principal> {
        self.current.load().check_password(user, password)
    }
}

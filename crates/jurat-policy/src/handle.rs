//! The policies in force: swapped as a whole, never half, and never by a revision that does not load.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

use crate::{LoadError, PolicyOptions, PolicySet, files};

/// The policies of one directory, and what is known about them. Shared by all sessions.
#[derive(Debug)]
pub struct PolicyHandle {
    dir: PathBuf,
    options: PolicyOptions,
    current: ArcSwap<PolicySet>,
    stale: Mutex<Option<String>>,
}

/// What a reload did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reload {
    /// The files are those that are in force.
    Unchanged,
    /// Another revision is in force from now on.
    Swapped {
        /// The revision that was in force.
        old: String,
        /// The revision that is in force.
        new: String,
    },
}

/// What is in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyState {
    /// The revision that judges.
    pub revision: String,
    /// How many files it has.
    pub files: usize,
    /// How many decision rules it has.
    pub rules: usize,
    /// Why the directory's newest content is not in force; `None` where it is.
    pub stale: Option<String>,
}

impl PolicyHandle {
    /// Loads the directory.
    ///
    /// # Errors
    /// Where it does not load: nothing can be judged then, so nothing may be served.
    pub fn new(dir: PathBuf, options: PolicyOptions) -> Result<Self, LoadError> {
        let set = PolicySet::load(&dir, &options)?;
        Ok(Self { dir, options, current: ArcSwap::from_pointee(set), stale: Mutex::new(None) })
    }

    /// The policies in force. A statement is judged by the set that it got here, to its end.
    pub fn current(&self) -> Arc<PolicySet> {
        self.current.load_full()
    }

    /// Looks at the directory again and puts a changed revision in force, once it has loaded and
    /// been checked completely. Cheap while nothing has changed: the files are read and digested.
    ///
    /// # Errors
    /// Where the new content does not load. The last good revision stays in force, and
    /// [`PolicyHandle::state`] says that it is stale.
    pub fn reload(&self) -> Result<Reload, LoadError> {
        let outcome = self.reload_inner();
        let stale = outcome.as_ref().err().map(ToString::to_string);
        *self.stale.lock().unwrap_or_else(PoisonError::into_inner) = stale;
        outcome
    }

    fn reload_inner(&self) -> Result<Reload, LoadError> {
        let old = self.current.load().revision().to_owned();
        if files::read_runtime(&self.dir)?.revision() == old {
            return Ok(Reload::Unchanged);
        }
        let set = PolicySet::load(&self.dir, &self.options)?;
        let new = set.revision().to_owned();
        if new == old {
            return Ok(Reload::Unchanged);
        }
        self.current.store(Arc::new(set));
        Ok(Reload::Swapped { old, new })
    }

    /// What is in force, and whether it is what the directory holds.
    pub fn state(&self) -> PolicyState {
        let set = self.current.load();
        PolicyState {
            revision: set.revision().to_owned(),
            files: set.files(),
            rules: set.rules().len(),
            stale: self.stale.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

#[cfg(test)]
mod tests;

//! C2SP tlog-checkpoint: the origin, the size and the root of the log, signed.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{SigningKey, VerifyingKey};
use crate::note::{self, NoteError};
use crate::tree::Hash;

/// The name of the file in the log's directory.
pub(crate) const FILE: &str = "checkpoint";

/// Reads the file, of which only as much as a checkpoint with its witnesses can have is looked at.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(1024 * 1024).read_to_string(&mut text)?;
    Ok(text)
}

/// A statement about the log that somebody has signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many records it had.
    pub size: u64,
    /// The Merkle root over them.
    pub root: [u8; 32],
}

/// Why a checkpoint is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It does not have the form of a signed checkpoint.
    #[error("the checkpoint is malformed")]
    Form,
    /// It is signed by another key.
    #[error("the checkpoint is not signed by the key `{key}`")]
    OtherKey {
        /// The public key that was asked for.
        key: String,
    },
    /// It was changed after it was signed.
    #[error("the signature of the checkpoint is wrong: it was changed after it was signed")]
    Forged,
    /// It is about another log.
    #[error("the checkpoint is of the log `{origin}`, not of `{expected}`")]
    Origin {
        /// The log that it is about.
        origin: String,
        /// The log that was asked for.
        expected: String,
    },
}

impl Checkpoint {
    /// Reads a checkpoint that `key` has signed. Further lines of its text are allowed.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn parse(note: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let text = note::open(note, key).map_err(|error| match error {
            NoteError::Form => CheckpointError::Form,
            NoteError::OtherKey => CheckpointError::OtherKey { key: key.to_text() },
            NoteError::Forged => CheckpointError::Forged,
        })?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Form);
        };
        if origin != key.name() {
            let (origin, expected) = (origin.to_owned(), key.name().to_owned());
            return Err(CheckpointError::Origin { origin, expected });
        }
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        match (size.parse::<u64>(), root) {
            // The text must be the only one for its number: no sign and no leading zero.
            (Ok(number), Some(root)) if number.to_string() == size => {
                Ok(Self { origin: origin.to_owned(), size: number, root })
            }
            _ => Err(CheckpointError::Form),
        }
    }

    /// The signed text of a log with this size and root.
    pub(crate) fn sign(size: u64, root: &Hash, key: &SigningKey) -> String {
        let origin = key.verifying_key().name();
        note::sign(&format!("{origin}\n{size}\n{}\n", STANDARD.encode(root)), key)
    }

    /// The root as it stands in the text: base64.
    #[must_use]
    pub fn root_base64(&self) -> String {
        STANDARD.encode(self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, CheckpointError};
    use crate::key::SigningKey;
    use crate::note;

    #[test]
    fn what_is_signed_is_read() {
        let key = SigningKey::from_seed("log.example/a", [1; 32]).unwrap();
        let text = Checkpoint::sign(12, &[3; 32], &key);
        let checkpoint = Checkpoint::parse(&text, key.verifying_key()).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (12, [3; 32]));
        assert_eq!(checkpoint.origin, "log.example/a");
    }

    #[test]
    fn other_texts_are_refused_although_they_are_signed() {
        let key = SigningKey::from_seed("log", [1; 32]).unwrap();
        let root = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
        for (text, taken) in [
            (format!("log\n12\n{root}\n"), true),
            (format!("log\n12\n{root}\nan extension\n"), true),
            (format!("log\n012\n{root}\n"), false),
            (format!("log\n+12\n{root}\n"), false),
            (format!("log\n12\n{}\n", root.trim_start_matches("AwMD")), false),
            ("log\n12\n".to_owned(), false),
        ] {
            let result = Checkpoint::parse(&note::sign(&text, &key), key.verifying_key());
            assert_eq!(result.is_ok(), taken, "{text}");
        }
        let other = note::sign(&format!("other\n12\n{root}\n"), &key);
        let error = Checkpoint::parse(&other, key.verifying_key()).unwrap_err();
        assert!(matches!(error, CheckpointError::Origin { .. }));
    }
}

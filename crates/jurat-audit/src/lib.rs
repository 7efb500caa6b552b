//! The record that anyone can verify.
//!
//! An [`AuditLog`] is a directory of JSON lines, hash-linked from record to record and hashed into an
//! RFC 6962 Merkle tree that is stored as C2SP tlog-tiles beside them, with a signed checkpoint. One
//! process writes it; [`verify()`] needs only the files and the public key. The format is described for
//! an independent implementer in `docs/audit.md`.
//!
//! In reading order: `log` (append, durable, checkpoint), `append`, `run` and `json` (how records are written),
//! `line` (one record as bytes), `tree` and `tile` (hashes), `key`, `note` and `checkpoint` (signatures), `open` (recovery), `verify`, `tail`.

mod append;
mod bell;
mod checkpoint;
mod hex;
mod json;
mod key;
mod line;
mod log;
mod models;
mod note;
mod open;
mod options;
mod run;
mod segment;
mod state;
mod storage;
mod sync;
mod tail;
mod tile;
mod tree;
mod verify;
mod verify_error;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use key::{KeyError, SigningKey, VerifyingKey};
pub use log::{AppendError, AuditLog, Receipt};
pub use open::OpenError;
pub use options::AuditOptions;
pub use run::{DecisionModel, DecisionRun, ModelParts};
pub use storage::{FileSystem, Storage};
pub use tail::{Tail, TailError, TailLine, tail};
pub use tile::TileError;
pub use verify::{Verified, verify, verify_against};
pub use verify_error::{Problem, VerifyError};

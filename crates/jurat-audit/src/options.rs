//! What can be set about a log.

use std::time::Duration;

/// What can be set about a log. The default suits a production listener.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// A segment file that would grow over this many bytes is closed and the next one begun.
    pub segment_bytes: u64,
    /// The longest record, in bytes of its line. It cannot be raised over
    /// [`AuditOptions::LINE_BYTES_MAX`], which is part of the format.
    pub record_bytes_max: usize,
    /// A checkpoint is written when this many records are not covered by one.
    pub checkpoint_records: usize,
    /// A checkpoint is written when a record has waited this long for one; `None` leaves it to the
    /// number of records, [`crate::AuditLog::checkpoint`] and closing.
    pub checkpoint_interval: Option<Duration>,
    /// Nothing more is appended while this many records wait for a checkpoint that cannot be written.
    pub unsigned_max: usize,
    /// How long an outcome may wait to be written together with other records.
    pub outcome_delay: Duration,
    /// How long to wait before a failed sync or checkpoint is tried again.
    pub retry: Duration,
}

impl AuditOptions {
    /// The longest line, newline included, that a reader of the format must accept.
    pub const LINE_BYTES_MAX: usize = 1024 * 1024;
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            record_bytes_max: Self::LINE_BYTES_MAX,
            checkpoint_records: 65_536,
            checkpoint_interval: Some(Duration::from_secs(1)),
            unsigned_max: 262_144,
            outcome_delay: Duration::from_millis(10),
            retry: Duration::from_secs(1),
        }
    }
}

//! All bounds of a session, each with its reason. INVARIANT(bounded): reaching one is a refusal.

use std::time::Duration;

use jurat_sql::ReadLimits;

/// Bounds that hold for every session of a listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions that may exist at once. Connections that have not said what they want yet have a bound of
    /// their own.
    pub sessions_max: usize,
    /// Connections that may be between accept and authentication, so that nobody without a password
    /// can use up memory or file descriptors.
    pub unauthenticated_max: usize,
    /// From accept to the end of authentication; a slow start-up is cut off here.
    pub login_timeout: Duration,
    /// How long reaching the database may take.
    pub connect_timeout: Duration,
    /// A client message that must be held whole (Query, Parse, Bind, …), bytes.
    pub message_bytes_max: usize,
    /// An upstream message that must be held whole (everything but rows), bytes.
    pub upstream_message_bytes_max: usize,
    /// A file of the client's that fills a table (MySQL's `LOAD DATA LOCAL`), bytes. Nothing of it is held; it is
    /// one transaction of the database.
    pub client_file_bytes_max: usize,
    /// How long the client may leave such a file waiting in the middle: the database keeps locks meanwhile.
    pub client_file_pause_max: Duration,
    /// Prepared statements a session may keep.
    pub prepared_max: usize,
    /// Their texts together, bytes. Only texts that are long count, so that it costs nothing to keep
    /// many short ones under watch.
    pub prepared_bytes_max: usize,
    /// Portals and cursors a session may keep.
    pub portals_max: usize,
    /// Messages that may wait for a reply in one pipeline.
    pub pipeline_max: usize,
    /// Texts whose reading a session remembers.
    pub readings_cached_max: usize,
    /// Longer texts are read each time: they are mostly bulk data, and would fill the memory, bytes.
    pub reading_cached_bytes_max: usize,
    /// Age after which a catalog snapshot is read again.
    pub catalog_age_max: Duration,
    /// Bounds on reading one text.
    pub read: ReadLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_max: 1_000,
            unauthenticated_max: 100,
            login_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            message_bytes_max: 16 << 20,
            upstream_message_bytes_max: 16 << 20,
            client_file_bytes_max: 1 << 30,
            client_file_pause_max: Duration::from_secs(60),
            prepared_max: 2_000,
            prepared_bytes_max: 16 << 20,
            portals_max: 1_000,
            pipeline_max: 10_000,
            readings_cached_max: 128,
            reading_cached_bytes_max: 4 << 10,
            catalog_age_max: Duration::from_secs(60),
            read: ReadLimits::default(),
        }
    }
}

//! Placeholder until the client by hand is written.

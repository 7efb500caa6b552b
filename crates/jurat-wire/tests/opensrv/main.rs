//! `jurat-wire` against a second implementation of MySQL's protocol: a server of `opensrv-mysql` on loopback answers
//! a client that is made of this crate's encoders and parsers. What one side writes the other must read as the same.

#[cfg(test)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod login;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod server;

//! The playground from outside: over the sockets that it listens on, as clients of both protocols see it.

#[cfg(test)]
mod mysql;
#[cfg(test)]
mod postgres;

//! Sans-IO framing and bounds-checked parsers of the PostgreSQL and MySQL protocols.
//!
//! The crate reads bytes that somebody hostile may have written and writes bytes that a database
//! or a driver will trust. It never touches a socket, never keeps what it was shown, and depends on
//! no other crate of Jurat.
//!
//! Three rules hold everywhere:
//!
//! * A message is read strictly inside its declared length, and all of it: a missing byte and a
//!   left-over byte are both errors, so that no other reader can find a second meaning in it.
//! * No input causes a panic, and no declared length or count causes an allocation.
//! * A length that does not fit its field is an error and never a smaller number.

#![deny(clippy::arithmetic_side_effects)]

pub mod mysql;
pub mod postgres;

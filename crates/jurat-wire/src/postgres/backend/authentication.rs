//! What a server asks of a client before a session begins.

use crate::postgres::cursor::Cursor;
use crate::postgres::error::ParseError;
use crate::postgres::value::{Secret, to_str};

/// A step of the authentication.
#[derive(Clone, Copy, Debug)]
pub enum Authentication<'a> {
    /// The password in clear text.
    Cleartext,
    /// The password hashed with MD5.
    Md5 {
        /// What to hash it with.
        salt: [u8; 4],
    },
    /// The client is who it says.
    Ok,
    /// A choice of SASL mechanisms.
    Sasl(Mechanisms<'a>),
    /// The next message of the chosen mechanism.
    SaslContinue(Secret<'a>),
    /// The last message of the chosen mechanism.
    SaslFinal(Secret<'a>),
    /// A kind that this crate does not read (Kerberos, GSSAPI, SSPI, …).
    Unsupported {
        /// The code of the request.
        code: u32,
    },
}

impl<'a> Authentication<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        Ok(match cursor.u32("authentication code")? {
            0 => Self::Ok,
            3 => Self::Cleartext,
            5 => Self::Md5 { salt: cursor.four("salt")? },
            10 => Self::Sasl(Mechanisms::read(cursor)?),
            11 => Self::SaslContinue(Secret::new(take_rest(cursor)?)),
            12 => Self::SaslFinal(Secret::new(take_rest(cursor)?)),
            code => {
                take_rest(cursor)?;
                Self::Unsupported { code }
            }
        })
    }
}

fn take_rest<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    cursor.take(cursor.rest().len(), "authentication data")
}

/// The SASL mechanisms that a server offers, the preferred one first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mechanisms<'a> {
    names: &'a [u8],
}

impl<'a> Mechanisms<'a> {
    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut cursor = Cursor::new(self.names);
        std::iter::from_fn(move || {
            let name = cursor.string("mechanism").ok().filter(|name| !name.is_empty())?;
            to_str(name).ok()
        })
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let names = cursor.rest();
        while !to_str(cursor.string("mechanism")?)?.is_empty() {}
        Ok(Self { names })
    }
}

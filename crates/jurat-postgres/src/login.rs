//! Logging in to a database without a network: what it asks for, and what it is given.
//!
//! Whoever has not proved to be the database learns nothing of the password: outside TLS with a
//! verified certificate it has to speak SCRAM, in which both sides prove that they know it.
//!
//! It uses nothing else of this crate: the fuzz target `sasl` takes this file and `scram.rs` as they are.

use jurat_wire::postgres::{
    backend::authentication::Authentication, encode::frontend as encode, error::EncodeError,
};
use postgres_protocol::authentication::{
    md5_hash,
    sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256},
};

/// Why the login fails. The text is for the operator's log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The server wants an authentication that Jurat does not speak, or does not trust it with.
    #[error("{0}")]
    NotSupported(String),
    /// The server wants a password, and there is none.
    #[error("a password, and none is configured")]
    NoPassword,
    /// The SCRAM exchange failed: the server does not know the password, or breaks the protocol.
    #[error("the SCRAM exchange fails: {0}")]
    Scram(#[source] std::io::Error),
    /// A message that the exchange does not have at this point.
    #[error("the authentication came out of turn")]
    OutOfTurn,
    /// What is to be sent does not fit into a message.
    #[error("the answer cannot be written: {0}")]
    Encode(#[from] EncodeError),
}

/// What the connection is, as far as trust goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    /// TLS with a certificate that was checked: the other side is the database.
    pub(crate) verified: bool,
    /// The hash of the server's certificate, for channel binding (`tls-server-end-point`).
    pub(crate) end_point: Option<Vec<u8>>,
}

/// A login under way.
pub(crate) struct Login<'a> {
    user: &'a str,
    password: Option<&'a [u8]>,
    trust: Trust,
    state: State,
}

enum State {
    /// Nothing was asked so far.
    Fresh,
    /// A password was given, in clear or hashed.
    Told,
    /// The server challenges us.
    Scram(Box<ScramSha256>),
    /// The server has proved that it knows the password.
    Proved,
}

impl std::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl<'a> Login<'a> {
    /// Nothing asked, nothing told.
    pub(crate) const fn new(user: &'a str, password: Option<&'a [u8]>, trust: Trust) -> Self {
        Self { user, password, trust, state: State::Fresh }
    }

    /// Takes what the server says and writes the answer, if there is one, to `out`. True once the
    /// server has let us in.
    ///
    /// # Errors
    /// [`LoginError`]; the connection is to be closed.
    pub(crate) fn step(
        &mut self,
        asked: &Authentication<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, LoginError> {
        let state = std::mem::replace(&mut self.state, State::Fresh);
        self.state = match (asked, state) {
            (Authentication::Ok, State::Proved | State::Told) => return Ok(true),
            (Authentication::Ok, State::Fresh) => return self.let_in_unasked(),
            (Authentication::Cleartext, State::Fresh) => {
                // In clear only inside TLS, and only to the database itself.
                self.must_be_verified("a password in clear")?;
                encode::password(out, self.password()?)?;
                State::Told
            }
            (Authentication::Md5 { salt }, State::Fresh) => {
                self.must_be_verified("an MD5 hash of the password")?;
                let hash = md5_hash(self.user.as_bytes(), self.password()?, *salt);
                encode::password(out, hash.as_bytes())?;
                State::Told
            }
            (Authentication::Sasl(mechanisms), State::Fresh) => {
                let names: Vec<&str> = mechanisms.iter().collect();
                State::Scram(Box::new(self.begin_scram(&names, out)?))
            }
            (Authentication::SaslContinue(data), State::Scram(mut exchange)) => {
                exchange.update(data.expose()).map_err(LoginError::Scram)?;
                encode::sasl_response(out, exchange.message())?;
                State::Scram(exchange)
            }
            (Authentication::SaslFinal(data), State::Scram(mut exchange)) => {
                exchange.finish(data.expose()).map_err(LoginError::Scram)?;
                State::Proved
            }
            (Authentication::Unsupported { code }, _) => {
                return Err(LoginError::NotSupported(format!("code {code}")));
            }
            (
                Authentication::Ok
                | Authentication::Cleartext
                | Authentication::Md5 { .. }
                | Authentication::Sasl(_)
                | Authentication::SaslContinue(_)
                | Authentication::SaslFinal(_),
                State::Fresh | State::Told | State::Scram(_) | State::Proved,
            ) => return Err(LoginError::OutOfTurn),
        };
        Ok(false)
    }

    /// A server that asks for nothing is believed where its certificate was checked, or where no
    /// password is configured, which says that none is needed.
    fn let_in_unasked(&self) -> Result<bool, LoginError> {
        if self.password.is_some() {
            self.must_be_verified("no proof at all, although a credential is configured")?;
        }
        Ok(true)
    }

    fn must_be_verified(&self, what: &str) -> Result<(), LoginError> {
        if self.trust.verified {
            return Ok(());
        }
        Err(LoginError::NotSupported(format!(
            "{what}, and nothing proves that this is the database: use scram-sha-256 in its \
             pg_hba.conf, or TLS with verify-full"
        )))
    }

    fn password(&self) -> Result<&'a [u8], LoginError> {
        self.password.ok_or(LoginError::NoPassword)
    }

    fn begin_scram(
        &self,
        mechanisms: &[&str],
        out: &mut Vec<u8>,
    ) -> Result<ScramSha256, LoginError> {
        if !mechanisms.contains(&SCRAM_SHA_256) {
            return Err(LoginError::NotSupported("SASL without SCRAM-SHA-256".to_owned()));
        }
        let plus = mechanisms.contains(&SCRAM_SHA_256_PLUS);
        let (name, binding) = match &self.trust.end_point {
            Some(hash) if plus => {
                (SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash.clone()))
            }
            // A server that could bind would notice that somebody between us has hidden it.
            Some(_) => (SCRAM_SHA_256, ChannelBinding::unrequested()),
            None => (SCRAM_SHA_256, ChannelBinding::unsupported()),
        };
        let exchange = ScramSha256::new(self.password()?, binding);
        encode::sasl_initial_response(out, name, Some(exchange.message()))?;
        Ok(exchange)
    }
}

#[cfg(test)]
mod tests {
    use jurat_wire::postgres::{
        backend::{Backend, parse_backend},
        encode::backend as encode,
    };

    use super::{Login, LoginError, Trust};

    /// What a server says, as the bytes of its messages' bodies.
    fn said(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out.split_off(5)
    }

    /// Lets a login hear these messages, and returns how that ended and what was sent.
    fn hears(
        trust: Trust,
        password: Option<&[u8]>,
        bodies: &[Vec<u8>],
    ) -> (Result<bool, LoginError>, String) {
        let mut login = Login::new("app", password, trust);
        let mut out = Vec::new();
        let mut done = Ok(false);
        for body in bodies {
            let Ok(Backend::Authentication(asked)) = parse_backend(b'R', body) else {
                panic!("{body:?} is not an authentication")
            };
            done = login.step(&asked, &mut out);
            if done.is_err() {
                break;
            }
        }
        (done, String::from_utf8_lossy(&out).into_owned())
    }

    fn ok() -> Vec<u8> {
        said(encode::authentication_ok)
    }

    fn sasl(names: &[&str]) -> Vec<u8> {
        said(|out| encode::authentication_sasl(out, names).unwrap())
    }

    const CLEARTEXT: [u8; 4] = [0, 0, 0, 3];
    const MD5: [u8; 8] = [0, 0, 0, 5, 1, 2, 3, 4];
    const PASSWORD: Option<&[u8]> = Some(b"secret");

    fn verified() -> Trust {
        Trust { verified: true, end_point: None }
    }

    #[test]
    fn a_server_that_proves_nothing_is_told_nothing() {
        for asked in [CLEARTEXT.to_vec(), MD5.to_vec(), ok()] {
            let (done, sent) = hears(Trust::default(), PASSWORD, std::slice::from_ref(&asked));
            assert!(matches!(done, Err(LoginError::NotSupported(_))), "{asked:?}: {done:?}");
            assert_eq!(sent, "");
        }
        // With its certificate checked it is the database, and may ask for what it likes.
        for asked in [CLEARTEXT.to_vec(), MD5.to_vec()] {
            let (done, sent) = hears(verified(), PASSWORD, &[asked, ok()]);
            assert!(matches!(done, Ok(true)), "{done:?}");
            assert!(sent.starts_with('p'), "{sent}");
        }
        assert!(matches!(hears(verified(), PASSWORD, &[ok()]).0, Ok(true)));
        // Nothing to tell, nothing to protect.
        assert!(matches!(hears(Trust::default(), None, &[ok()]).0, Ok(true)));
        assert!(matches!(
            hears(verified(), None, &[CLEARTEXT.to_vec()]).0,
            Err(LoginError::NoPassword)
        ));
    }

    #[test]
    fn a_scram_exchange_is_not_cut_short() {
        let sasl = sasl(&["SCRAM-SHA-256"]);
        for (bodies, trust) in [
            (vec![sasl.clone(), ok()], verified()),
            (vec![sasl.clone(), sasl.clone()], verified()),
            (vec![sasl.clone(), CLEARTEXT.to_vec()], verified()),
            (vec![MD5.to_vec(), CLEARTEXT.to_vec()], verified()),
            (
                vec![said(|out| encode::authentication_sasl_continue(out, b"r=x").unwrap())],
                verified(),
            ),
            (vec![said(|out| encode::authentication_sasl_final(out, b"v=x").unwrap())], verified()),
        ] {
            let (done, _) = hears(trust, PASSWORD, &bodies);
            assert!(matches!(done, Err(LoginError::OutOfTurn)), "{bodies:?}: {done:?}");
        }
        let challenge = said(|out| {
            encode::authentication_sasl_continue(out, b"r=of-somebody-else,s=c2FsdA==,i=1")
                .unwrap();
        });
        assert!(matches!(
            hears(verified(), PASSWORD, &[sasl, challenge]).0,
            Err(LoginError::Scram(_))
        ));
    }

    /// `y` says that we could bind and the server, it seems, cannot: a server that can takes that for
    /// what it is, an attack. `p` binds, `n` says that we cannot.
    #[test]
    fn the_channel_is_bound_where_both_can() {
        let (plain, plus) = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS");
        let bound = || Trust { verified: true, end_point: Some(vec![1; 32]) };
        for (trust, offered, wanted) in [
            (bound(), vec![plus, plain], "p=tls-server-end-point,,n=,r="),
            (bound(), vec![plain], "y,,n=,r="),
            (verified(), vec![plus, plain], "n,,n=,r="),
            (verified(), vec![plain], "n,,n=,r="),
        ] {
            let (done, sent) = hears(trust, PASSWORD, &[sasl(&offered)]);
            assert!(matches!(done, Ok(false)) && sent.contains(wanted), "{offered:?}: {sent:?}");
        }
        let (done, _) = hears(bound(), PASSWORD, &[sasl(&[plus])]);
        assert!(matches!(done, Err(LoginError::NotSupported(_))));
    }
}

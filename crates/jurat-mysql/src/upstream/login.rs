//! Proving to a database that we know the password, without a network: packets in, packets out.
//!
//! Challenge and response tell a server nothing that it could use itself, but some plugins send the password.
//! It goes only to a server whose certificate was checked, or that is on this machine.

use jurat_wire::mysql::{
    auth::AuthReply, capability::Capabilities, error::ParseError, handshake::CHALLENGE,
    response::ErrPacket,
};
use mysql_common::{
    auth::plugins::{AuthProc, ChallengeResponsePlugin as _, Context},
    packets::AuthPlugin,
};

/// How often a server may ask for another plugin. MariaDB asks once for each that an account may use.
const SWITCHES_MAX: usize = 4;

/// Why a login failed. The text is for the operator's log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The plugin does not take what the server sent.
    #[error("the authentication plugin fails: {0}")]
    Plugin(String),
    /// The packet is none of a login.
    #[error("a packet of the login cannot be read: {0}")]
    Parse(#[from] ParseError),
    /// The plugin sends the password, and the server has not proved who it is.
    #[error(
        "the plugin `{0}` sends the password, which only a server with a checked certificate \
         (`tls.mode = \"verify-full\"`) or on this machine is told"
    )]
    Untrusted(&'static str),
    /// Another plugin is asked for again and again.
    #[error("the server asks for more than {SWITCHES_MAX} plugins")]
    Switches,
    /// The server wants a plugin that is not known here.
    #[error("the authentication plugin `{0}` is not supported")]
    Unsupported(String),
}

/// What one packet of the server leads to.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// The server has let us in.
    Done,
    /// The server refused.
    Refused(ErrPacket<'a>),
    /// This payload is to be sent.
    Send(Vec<u8>),
    /// Nothing is to be sent; the server goes on.
    Wait,
}

/// What is known about the server and the way to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trust {
    /// The connection is encrypted.
    pub(crate) encrypted: bool,
    /// The server's certificate was checked, or it is on this machine.
    pub(crate) trusted: bool,
}

/// A login that is under way.
#[derive(Debug)]
pub(crate) struct Login<'a> {
    password: &'a [u8],
    trust: Trust,
    plugin: Option<AuthProc>,
    challenge: Vec<u8>,
    switches: usize,
}

impl<'a> Login<'a> {
    pub(crate) const fn new(password: &'a [u8], trust: Trust) -> Self {
        Self { password, trust, plugin: None, challenge: Vec::new(), switches: 0 }
    }

    /// Answers the challenge of the greeting: the name of the plugin that the answer is for, and the answer.
    ///
    /// A plugin that is not known, or that may not be told the password, is answered by another one with no
    /// answer; the server then asks for what the account needs.
    pub(crate) fn begin(&mut self, plugin: &[u8], challenge: &[u8]) -> (Vec<u8>, Vec<u8>) {
        match self.start(plugin, challenge) {
            Ok(answer) => (plugin.to_vec(), answer.unwrap_or_default()),
            Err(_why) => {
                self.plugin = None;
                (b"mysql_native_password".to_vec(), Vec::new())
            }
        }
    }

    /// Takes the payload of the server's next packet.
    ///
    /// # Errors
    /// [`LoginError`]; the connection is to be closed.
    pub(crate) fn step<'p>(
        &mut self,
        payload: &'p [u8],
        capabilities: Capabilities,
    ) -> Result<Step<'p>, LoginError> {
        match AuthReply::parse(payload, capabilities)? {
            AuthReply::Ok(_) => Ok(Step::Done),
            AuthReply::Err(error) => Ok(Step::Refused(error)),
            AuthReply::Switch { plugin, challenge } => {
                self.switches = self.switches.saturating_add(1);
                if self.switches > SWITCHES_MAX {
                    return Err(LoginError::Switches);
                }
                let answer = self.start(plugin, challenge)?;
                Ok(Step::Send(answer.unwrap_or_default()))
            }
            AuthReply::More(data) => {
                let answer = self.run(data.expose())?;
                Ok(answer.map_or(Step::Wait, Step::Send))
            }
        }
    }

    fn start(&mut self, plugin: &[u8], challenge: &[u8]) -> Result<Option<Vec<u8>>, LoginError> {
        let named = AuthPlugin::from_bytes(plugin);
        let challenge = match named {
            // Their challenge is text, which a NUL byte may end.
            AuthPlugin::MysqlNativePassword
            | AuthPlugin::CachingSha2Password
            | AuthPlugin::Sha256Password => challenge.get(..CHALLENGE).unwrap_or(challenge),
            AuthPlugin::MysqlClearPassword
            | AuthPlugin::MysqlOldPassword
            | AuthPlugin::Ed25519
            | AuthPlugin::Parsec
            | AuthPlugin::Other(_) => challenge,
        };
        match named {
            AuthPlugin::MysqlClearPassword => self.may_tell("mysql_clear_password")?,
            AuthPlugin::Sha256Password => self.may_tell("sha256_password")?,
            // Its hash is broken, so that an answer is as good as the password.
            AuthPlugin::MysqlOldPassword => return Err(unsupported(plugin)),
            AuthPlugin::MysqlNativePassword
            | AuthPlugin::CachingSha2Password
            | AuthPlugin::Ed25519
            | AuthPlugin::Parsec
            | AuthPlugin::Other(_) => {}
        }
        self.plugin = Some(AuthProc::init(&named).map_err(|_why| unsupported(plugin))?);
        self.challenge = challenge.to_vec();
        self.run(challenge)
    }

    fn may_tell(&self, plugin: &'static str) -> Result<(), LoginError> {
        if self.trust.trusted { Ok(()) } else { Err(LoginError::Untrusted(plugin)) }
    }

    fn run(&mut self, data: &[u8]) -> Result<Option<Vec<u8>>, LoginError> {
        // The one packet by which this plugin asks for the password itself, in clear inside of TLS or under a
        // key that the server sends.
        let caching = matches!(self.plugin, Some(AuthProc::CachingSha2Password(_)));
        if caching && data == [jurat_wire::mysql::auth::FULL_AUTHENTICATION] {
            self.may_tell("caching_sha2_password")?;
        }
        let view = View { password: self.password, trust: self.trust, challenge: &self.challenge };
        let Some(plugin) = self.plugin.as_mut() else {
            return Err(LoginError::Plugin("data without a plugin".to_owned()));
        };
        let answer =
            plugin.run(view, data).map_err(|error| LoginError::Plugin(error.to_string()))?;
        Ok(answer.data().map(<[u8]>::to_vec))
    }
}

fn unsupported(plugin: &[u8]) -> LoginError {
    LoginError::Unsupported(
        plugin.iter().take(64).map(|byte| byte.escape_ascii().to_string()).collect(),
    )
}

/// What a plugin is told.
struct View<'a> {
    password: &'a [u8],
    trust: Trust,
    challenge: &'a [u8],
}

impl Context for View<'_> {
    fn pass(&self) -> &[u8] {
        self.password
    }

    fn is_ipc_transport(&self) -> bool {
        false
    }

    fn is_tls_transport(&self) -> bool {
        self.trust.encrypted
    }

    fn scramble(&self) -> &[u8] {
        self.challenge
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

#[cfg(test)]
mod tests;

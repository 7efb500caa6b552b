//! Where a webhook goes: `https`, or this machine.

use std::net::IpAddr;

use axum::http::Uri;

/// An address that may be sent to.
#[derive(Clone, Eq, PartialEq)]
pub struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// As the header `Host` has it.
    pub(super) authority: String,
    /// With what stands behind `?`. It may hold a secret.
    pub(super) path: String,
}

/// Why an address is not one that may be sent to. The address itself is not repeated: it may hold a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// It is no URL, or one with a name or password in it.
    #[error("a webhook has a URL of the form `https://host/path`")]
    Form,
    /// It goes over a network in clear.
    #[error("a webhook goes to `https://…`; only to this machine it may go without")]
    Clear,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// Why nothing may be sent there.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let uri: Uri = url.trim().parse().map_err(|_invalid| TargetError::Form)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(TargetError::Form);
        };
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(TargetError::Form);
        }
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(TargetError::Form),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !tls && !here {
            return Err(TargetError::Clear);
        }
        Ok(Self {
            tls,
            host,
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

/// Without the path, which is a secret with some receivers.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("host", &self.authority).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetError};

    #[test]
    fn a_webhook_is_encrypted_or_stays_here() {
        for (url, wanted) in [
            ("https://hooks.example.com/services/T0/B0?x=1", Ok((443, "/services/T0/B0?x=1"))),
            ("https://hooks.example.com:8443", Ok((8443, "/"))),
            ("http://127.0.0.1:9000/hook", Ok((9000, "/hook"))),
            ("http://[::1]:9000/hook", Ok((9000, "/hook"))),
            ("http://localhost/hook", Ok((80, "/hook"))),
            ("http://example.com/hook", Err(TargetError::Clear)),
            ("http://127.0.0.1.example.com/", Err(TargetError::Clear)),
            ("http://169.254.169.254/", Err(TargetError::Clear)),
            ("ftp://example.com/", Err(TargetError::Form)),
            ("https://user:secret@example.com/", Err(TargetError::Form)),
            ("/hook", Err(TargetError::Form)),
            ("", Err(TargetError::Form)),
        ] {
            let found = Target::parse(url);
            let found = found.as_ref().map(|target| (target.port, target.path.as_str()));
            assert_eq!(found.map_err(|error| *error), wanted, "{url}");
        }
        let secret = Target::parse("https://hooks.example.com/T0/B0").unwrap();
        assert!(!format!("{secret:?}").contains("B0"));
    }
}

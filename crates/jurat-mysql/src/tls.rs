//! TLS on both sides, with one provider (`ring`) and no default of the process. MySQL has no protocol name in TLS
//! (ALPN): what is inside is always asked for in clear first.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};

/// Why certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file holds no certificate that can be read.
    #[error("the certificate cannot be read")]
    Certificate(#[source] rustls::pki_types::pem::Error),
    /// The key file holds no key that can be read.
    #[error("the private key cannot be read")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// Certificate and key do not fit, or TLS refuses them.
    #[error("the certificate and key cannot be used")]
    Unusable(#[source] Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What listeners show to clients: a certificate chain and its key, both in PEM.
///
/// # Errors
/// [`TlsError`] when either cannot be read or they do not fit each other.
pub fn server_config(cert_pem: &[u8], key_pem: &[u8]) -> Result<ServerConfig, TlsError> {
    let chain = CertificateDer::pem_slice_iter(cert_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(TlsError::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(TlsError::Key)?;
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Unusable)
}

/// How Jurat speaks TLS to a database: `ca_pem` holds the certificates that may sign its
/// certificate. With `verify` false the connection is encrypted but the other side is not checked.
///
/// # Errors
/// [`TlsError`] when the certificates cannot be read.
pub fn client_config(ca_pem: Option<&[u8]>, verify: bool) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    Ok(if verify {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default()) {
            let certificate = certificate.map_err(TlsError::Certificate)?;
            roots.add(certificate).map_err(TlsError::Unusable)?;
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    } else {
        let unchecked = Arc::new(Unchecked(provider()));
        builder.dangerous().with_custom_certificate_verifier(unchecked).with_no_client_auth()
    })
}

/// Takes any certificate: `tls.mode = "require"`, as MySQL's `--ssl-mode=REQUIRED` has it.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

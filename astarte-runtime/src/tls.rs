//! What the device trusts.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use thiserror::Error;

use crate::credentials::Credentials;

/// What a device trusts when it talks to its cluster.
///
/// By default these are the certificates that the platform trusts. Nothing in the environment changes that.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    accepts_any: bool,
}

/// The TLS settings, or the device's credentials, cannot be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The device's certificate and key do not belong together, or the key is of a kind that TLS does not know.
    #[error("the device's certificate and key cannot be used together")]
    Credentials(#[source] Error),
    /// A root certificate is not PEM, or malformed.
    #[error("the root certificates are not PEM with one `CERTIFICATE` or more: {reason}")]
    Root {
        /// What is wrong.
        reason: String,
    },
    /// The platform's certificates cannot be read.
    #[error("the certificates that the platform trusts cannot be used")]
    Platform(#[source] Error),
}

impl Tls {
    /// Trusts what the platform trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in a PEM text as well.
    ///
    /// # Errors
    ///
    /// - There is no certificate in it, or one is malformed.
    pub fn add_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let root = |reason: String| TlsError::Root { reason };
        let added = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let added = added.map_err(|error| root(error.to_string()))?;
        if added.is_empty() {
            return Err(root("there is none".to_owned()));
        }
        self.roots.extend(added);
        Ok(self)
    }

    /// Does not check who a server is. Whoever is on the way can then read and change everything that is said, the
    /// device's secret included: for a cluster on the same machine, and never for a device in the field.
    #[must_use]
    pub fn danger_accept_invalid_certificates(mut self) -> Self {
        self.accepts_any = true;
        self
    }

    /// The settings of a connection, on which the device proves itself by its credentials where there are any.
    pub(crate) fn client_config(
        &self,
        credentials: Option<&Credentials>,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        // Always named: the process's default provider may be another one, or two.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Platform)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let config = match credentials {
            Some(credentials) => builder
                .with_client_auth_cert(credentials.chain(), credentials.key())
                .map_err(TlsError::Credentials)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if self.accepts_any {
            return Ok(Arc::new(AcceptAny(provider)));
        }
        let verifier = if self.roots.is_empty() {
            Verifier::new(provider)
        } else {
            Verifier::new_with_extra_roots(self.roots.iter().cloned(), provider)
        };
        Ok(Arc::new(verifier.map_err(TlsError::Platform)?))
    }
}

/// Accepts every certificate whose key the server has.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_certificates() {
        let error = Tls::new().add_root_certificates_pem(b"").unwrap_err();
        assert!(error.to_string().ends_with("there is none"), "{error}");
        let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(Tls::new().add_root_certificates_pem(broken).is_err());
    }

    #[test]
    fn there_is_a_configuration_without_credentials() {
        assert!(Tls::new().client_config(None).is_ok());
        assert!(
            Tls::new()
                .danger_accept_invalid_certificates()
                .client_config(None)
                .is_ok()
        );
    }
}

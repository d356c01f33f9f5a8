//! What the device trusts.

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use thiserror::Error;

use crate::{clock::Clock, credentials::Credentials};

/// What a device trusts when it talks to its cluster.
///
/// By default these are the certificates that the platform trusts. Nothing in the environment switches a check off.
///
/// Clones share what was loaded, and so do all of a process that trust what the platform trusts, which is the default of
/// every device: thousands of devices hold the platform's certificates once.
#[derive(Clone, Debug)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    trust: Trust,
    /// What the application brought, in place of all of this.
    template: Option<Arc<ClientConfig>>,
    /// Made once, where it is first needed.
    verifier: Arc<OnceLock<Arc<dyn ServerCertVerifier>>>,
}

/// What is trusted beside the roots that were given.
#[derive(Clone, Copy, Debug)]
enum Trust {
    Anything,
    #[cfg(feature = "bundled-roots")]
    Bundled,
    Nothing,
    Platform,
}

/// The TLS settings, or the device's credentials, cannot be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
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

impl Default for Tls {
    fn default() -> Self {
        static OF_THE_PLATFORM: OnceLock<Arc<OnceLock<Arc<dyn ServerCertVerifier>>>> =
            OnceLock::new();
        Self {
            roots: Vec::new(),
            trust: Trust::Platform,
            template: None,
            verifier: Arc::clone(OF_THE_PLATFORM.get_or_init(Arc::default)),
        }
    }
}

impl Tls {
    /// Trusts what the platform trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses a configuration of the application's own, with its provider, versions, verifier and all: no other setting
    /// of this type has an effect. Only the certificate that the device proves itself by is put into it.
    pub fn with_config(config: ClientConfig) -> Self {
        Self {
            template: Some(Arc::new(config)),
            ..Self::default()
        }
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
        self.verifier = Arc::default();
        Ok(self)
    }

    /// Trusts the certificates in a PEM text and no others, those of the platform neither.
    ///
    /// # Errors
    ///
    /// - There is no certificate in it, or one is malformed.
    pub fn only_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.roots.clear();
        self.trust = Trust::Nothing;
        self.add_root_certificates_pem(pem)
    }

    /// Trusts the certificates of Mozilla's programme, as they were when this crate was built, in place of those of the
    /// platform: for systems that have none. They grow old with the firmware.
    #[cfg(feature = "bundled-roots")]
    #[must_use]
    pub fn bundled_roots(mut self) -> Self {
        self.trust = Trust::Bundled;
        self.verifier = Arc::default();
        self
    }

    /// Does not check who a server is. Whoever is on the way can then read and change everything that is said, the
    /// device's secret included: for a cluster on the same machine, and never for a device in the field.
    #[must_use]
    pub fn danger_accept_invalid_certificates(mut self) -> Self {
        self.trust = Trust::Anything;
        self.verifier = Arc::default();
        self
    }

    /// The settings of a connection, on which the device proves itself by its credentials where there are any.
    pub(crate) fn client_config(
        &self,
        credentials: Option<&Credentials>,
        clock: &Clock,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        let mut config = match &self.template {
            Some(template) => ClientConfig::clone(template),
            None => self.own_config(clock)?,
        };
        if let Some(credentials) = credentials {
            config.client_auth_cert_resolver = Arc::new(credentials.resolver());
        }
        // A device talks to one server, and the default keeps room for many. What a session was opened with is part of
        // it: none may be resumed with other credentials.
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Arc::new(config))
    }

    fn own_config(&self, clock: &Clock) -> Result<ClientConfig, TlsError> {
        let provider = provider();
        let builder =
            ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(clock.clone()))
                .with_safe_default_protocol_versions()
                .map_err(TlsError::Platform)?;
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?)
            .with_no_client_auth())
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if let Some(verifier) = self.verifier.get() {
            return Ok(Arc::clone(verifier));
        }
        let roots = self.roots.iter().cloned();
        let verifier: Arc<dyn ServerCertVerifier> = match self.trust {
            Trust::Anything => Arc::new(AcceptAny(provider)),
            #[cfg(feature = "bundled-roots")]
            Trust::Bundled => only(
                webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
                roots,
                provider,
            )?,
            Trust::Nothing => only(RootCertStore::empty(), roots, provider)?,
            Trust::Platform if self.roots.is_empty() => {
                Arc::new(Verifier::new(provider).map_err(TlsError::Platform)?)
            }
            Trust::Platform => {
                let verifier = Verifier::new_with_extra_roots(roots, provider);
                Arc::new(verifier.map_err(TlsError::Platform)?)
            }
        };
        Ok(Arc::clone(self.verifier.get_or_init(|| verifier)))
    }
}

/// Ring, always named: the process's default provider may be another one, or two.
fn provider() -> Arc<CryptoProvider> {
    static RING: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(RING.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// A verifier that trusts these certificates alone.
fn only(
    mut store: RootCertStore,
    roots: impl Iterator<Item = CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let root = |reason: String| TlsError::Root { reason };
    for certificate in roots {
        store
            .add(certificate)
            .map_err(|error| root(error.to_string()))?;
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
    Ok(builder.build().map_err(|error| root(error.to_string()))?)
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

/// How many TLS sessions a configuration keeps to resume. rustls counts in eights, one eight for a server.
const SESSIONS: usize = 8;

#[cfg(all(test, feature = "bundled-roots"))]
mod bundled {
    use super::*;

    #[test]
    fn bundled_roots_need_no_platform() {
        let provider = provider();
        assert!(Tls::new().bundled_roots().verifier(provider).is_ok());
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
    fn clones_share_what_was_loaded_and_a_changed_trust_does_not() {
        let tls = Tls::new();
        tls.client_config(None, &Clock::default()).unwrap();
        let verifier = |tls: &Tls| tls.verifier.get().map(Arc::as_ptr).map(<*const _>::addr);
        assert!(verifier(&tls).is_some());
        assert_eq!(verifier(&tls.clone()), verifier(&tls));
        assert_eq!(
            verifier(&Tls::new()),
            verifier(&tls),
            "of another device as well"
        );
        assert_eq!(verifier(&tls.danger_accept_invalid_certificates()), None);
    }

    #[test]
    fn only_the_given_roots_is_without_the_platform() {
        let key = rcgen::KeyPair::generate().unwrap();
        let root = rcgen::CertificateParams::default()
            .self_signed(&key)
            .unwrap();
        let tls = Tls::new()
            .only_root_certificates_pem(root.pem().as_bytes())
            .unwrap();
        tls.client_config(None, &Clock::default()).unwrap();
        assert!(matches!(tls.trust, Trust::Nothing));
        assert_eq!(tls.roots.len(), 1);
    }

    #[test]
    fn a_configuration_of_the_applications_own_is_kept() {
        let mut own =
            ClientConfig::clone(&Tls::new().client_config(None, &Clock::default()).unwrap());
        own.alpn_protocols = vec![b"mqtt".to_vec()];
        let config = Tls::with_config(own)
            .client_config(None, &Clock::default())
            .unwrap();
        assert_eq!(config.alpn_protocols, [b"mqtt"]);
    }

    #[test]
    fn there_is_a_configuration_without_credentials() {
        assert!(Tls::new().client_config(None, &Clock::default()).is_ok());
        assert!(
            Tls::new()
                .danger_accept_invalid_certificates()
                .client_config(None, &Clock::default())
                .is_ok()
        );
    }
}

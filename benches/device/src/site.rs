//! Where a process of the benchmark connects, and as whom.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::Result;

/// A folder with certificates, and a broker that they are for.
#[derive(Clone, Debug)]
pub struct Site {
    pub folder: PathBuf,
    pub port: u16,
}

impl Site {
    /// Reads what [`arguments`](Self::arguments) gave.
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Site> {
        Ok(Site {
            folder: arguments.next().ok_or("no folder")?.into(),
            port: arguments.next().ok_or("no port")?.parse()?,
        })
    }

    pub fn arguments(&self) -> [String; 2] {
        [self.folder.display().to_string(), self.port.to_string()]
    }

    /// The certificate of the authority, in PEM.
    pub fn authority(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("ca.pem"))?)
    }

    /// The certificate and the key of a client, in PEM.
    pub fn credentials(&self, client: &str) -> Result<(String, String)> {
        let read = |end| fs::read_to_string(self.folder.join(format!("{client}.{end}")));
        Ok((read("crt")?, read("key")?))
    }

    /// For a client that is not the runtime.
    pub fn tls(&self, client: &str) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(
            self.authority()?.as_bytes(),
        )?)?;
        let (certificate, key) = self.credentials(client)?;
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        Ok(Arc::new(config))
    }
}

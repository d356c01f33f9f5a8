//! The device's key, and the request for a certificate.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use zeroize::Zeroizing;

use super::PairingError;

/// A new P-256 key, and a request to certify it for this common name; both are PEM.
pub(super) fn request(common_name: &str) -> Result<(Zeroizing<String>, String), PairingError> {
    let failed = |error: rcgen::Error| PairingError::Key(Box::new(error));
    let key = KeyPair::generate().map_err(failed)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Devices");
    subject.push(DnType::CommonName, common_name);
    let mut request = CertificateParams::default();
    request.distinguished_name = subject;
    let request = request
        .serialize_request(&key)
        .and_then(|request| request.pem())
        .map_err(failed)?;
    Ok((Zeroizing::new(key.serialize_pem()), request))
}

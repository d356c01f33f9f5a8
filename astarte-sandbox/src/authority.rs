//! The certificate authority of a sandbox.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};

use crate::pem;
use crate::sync::lock;
use crate::x509::{Certificate, Request};

/// A root that signs the broker's certificate and those of the devices.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    /// The serial number of the newest certificate.
    last_serial: AtomicU64,
    /// By common name: the newest certificate that is invalid, and why.
    condemned: Mutex<BTreeMap<String, (u64, Flaw)>>,
}

/// Why a certificate was declared invalid.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flaw {
    Expired,
    Revoked,
}

/// The certificate was not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    #[error("the certificate request does not parse")]
    Malformed,
    #[error("the key of the certificate request is none of P-256, P-384, RSA and Ed25519")]
    Key,
    #[error("the signature of the certificate request is wrong")]
    Signature,
    #[error(transparent)]
    Signing(#[from] rcgen::Error),
}

/// What `verify` says of a certificate.
pub(crate) enum Validity {
    /// Valid until this time, in milliseconds since the epoch.
    Valid { until: i64 },
    /// Not valid, for this reason.
    Invalid(&'static str),
}

impl Authority {
    pub(crate) fn generate() -> Result<Authority, rcgen::Error> {
        let (params, key) = (root_params(), KeyPair::generate()?);
        let root = params.self_signed(&key)?;
        Ok(Authority::new(Issuer::new(params, key), root.into()))
    }

    /// Returns the authority of an earlier run; nothing if its certificate or key cannot be read.
    pub(crate) fn restore(
        certificate: &str,
        key: &str,
        condemned: BTreeMap<String, (u64, Flaw)>,
    ) -> Option<Authority> {
        let root = CertificateDer::from(pem::single(certificate, "CERTIFICATE")?);
        let parsed = Certificate::parse(&root)?;
        if parsed.common_name()? != ROOT_NAME || !parsed.is_signed_by(&parsed.key) {
            return None;
        }
        let issuer = Issuer::new(root_params(), KeyPair::from_pem(key).ok()?);
        Some(Authority {
            condemned: Mutex::new(condemned),
            ..Authority::new(issuer, root)
        })
    }

    fn new(issuer: Issuer<'static, KeyPair>, root: CertificateDer<'static>) -> Authority {
        // Serial numbers only ever grow, also from one run to the next.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let serial = u64::try_from(now.as_micros()).unwrap_or_default();
        Authority {
            issuer,
            root,
            last_serial: AtomicU64::new(serial),
            condemned: Mutex::default(),
        }
    }

    /// Declares invalid every certificate that a common name has had.
    pub(crate) fn condemn(&self, common_name: &str, flaw: Flaw) {
        let newest = self.last_serial.load(Ordering::SeqCst);
        lock(&self.condemned).insert(common_name.to_owned(), (newest, flaw));
    }

    /// Returns why a certificate was declared invalid, if it was.
    pub(crate) fn flaw(&self, certificate: &CertificateDer<'_>) -> Option<Flaw> {
        let certificate = Certificate::parse(certificate)?;
        let (newest, flaw) = *lock(&self.condemned).get(certificate.common_name()?)?;
        (certificate.serial() <= newest).then_some(flaw)
    }

    /// The root certificate.
    pub(crate) fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.root)
    }

    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    pub(crate) fn condemned(&self) -> BTreeMap<String, (u64, Flaw)> {
        lock(&self.condemned).clone()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// Makes key and certificate of the broker, for the names under which a device of this machine
    /// reaches it.
    pub(crate) fn server(
        &self,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
        let mut params = params("localhost", ROOT_LIFETIME);
        params.subject_alt_names = vec![
            SanType::DnsName("localhost".try_into()?),
            SanType::DnsName("broker.astarte.localhost".try_into()?),
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((certificate.into(), key))
    }

    /// Signs the key of a certificate request for `common_name`; nothing else of the request is
    /// used.
    pub(crate) fn issue(
        &self,
        request: &[u8],
        common_name: &str,
        lifetime: Duration,
    ) -> Result<String, IssueError> {
        let request = Request::parse(request).ok_or(IssueError::Malformed)?;
        let key = request.key.for_signing().ok_or(IssueError::Key)?;
        if !request.is_signed() {
            return Err(IssueError::Signature);
        }
        let mut params = params(common_name, lifetime);
        let serial = self.last_serial.fetch_add(1, Ordering::SeqCst) + 1;
        params.serial_number = Some(SerialNumber::from(serial));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params.signed_by(&key, &self.issuer)?.pem())
    }

    /// Checks a certificate against the root alone: neither its name nor a revocation counts.
    pub(crate) fn verify(&self, certificate: &str, now_ms: i64) -> Validity {
        let Some(der) = pem::single(certificate, "CERTIFICATE") else {
            return Validity::Invalid("INVALID");
        };
        let (Some(certificate), Some(root)) =
            (Certificate::parse(&der), Certificate::parse(&self.root))
        else {
            return Validity::Invalid("INVALID");
        };
        let until = certificate.not_after;
        if !(certificate.not_before..=until).contains(&now_ms) {
            return Validity::Invalid("EXPIRED");
        }
        if certificate.issuer != root.subject {
            return Validity::Invalid("INVALID_ISSUER");
        }
        if !certificate.is_signed_by(&root.key) {
            return Validity::Invalid("INVALID_SIGNATURE");
        }
        match self.flaw(&der.as_slice().into()) {
            Some(Flaw::Expired) => Validity::Invalid("EXPIRED"),
            Some(Flaw::Revoked) => Validity::Invalid("REVOKED"),
            None => Validity::Valid { until },
        }
    }
}

/// Returns the common name of a certificate, as the broker reads it.
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    Certificate::parse(certificate)?
        .common_name()
        .map(str::to_owned)
}

fn root_params() -> CertificateParams {
    let mut params = params(ROOT_NAME, ROOT_LIFETIME);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(common_name: &str, lifetime: Duration) -> CertificateParams {
    let now = SystemTime::now();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = (now - BACKDATE).into();
    params.not_after = (now + lifetime).into();
    params.use_authority_key_identifier_extension = true;
    params
}

/// The lifetime of a device's certificate with the signing profile of the reference deployment.
pub(crate) const DEVICE_LIFETIME: Duration = Duration::from_secs(2190 * 3600);

const ROOT_NAME: &str = "Astarte Sandbox Root CA";

/// Ten years: a sandbox that keeps its data may run for long.
const ROOT_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Devices whose clock is a little behind accept a new certificate.
const BACKDATE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn request() -> (KeyPair, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        (key, request.der().to_vec())
    }

    #[test]
    fn the_root_is_a_proper_authority() {
        let authority = Authority::generate().unwrap();
        let root = authority.der();
        for (extension, what) in [
            (
                &b"\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff"[..],
                "critical basic constraints, of an authority",
            ),
            (
                b"\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x01\x06",
                "critical key usage, certificates and revocation lists",
            ),
            (b"\x06\x03\x55\x1d\x0e", "subject key identifier"),
            (b"\x06\x03\x55\x1d\x23", "authority key identifier"),
        ] {
            let mut places = root.windows(extension.len());
            assert!(places.any(|place| place == extension), "{what}");
        }
    }

    #[test]
    fn what_is_restored_goes_on_signing() {
        let authority = Authority::generate().unwrap();
        let (pem, key) = (authority.pem(), authority.key_pem());
        let again = Authority::restore(&pem, &key, BTreeMap::new()).unwrap();
        let issued = again
            .issue(&request().1, "test/device", DEVICE_LIFETIME)
            .unwrap();
        let now = clock::now_ms();
        assert!(matches!(
            authority.verify(&issued, now),
            Validity::Valid { .. }
        ));
        assert!(Authority::restore("x", &key, BTreeMap::new()).is_none());
        assert!(Authority::restore(&pem, "x", BTreeMap::new()).is_none());
        assert!(Authority::restore(&issued, &key, BTreeMap::new()).is_none());
        let cut = pem::encode("CERTIFICATE", &authority.der()[..100]);
        assert!(Authority::restore(&cut, &key, BTreeMap::new()).is_none());
    }

    #[test]
    fn the_subject_of_the_request_does_not_matter() {
        let authority = Authority::generate().unwrap();
        let issued = authority
            .issue(&request().1, "test/device", DEVICE_LIFETIME)
            .unwrap();
        let der = pem::single(&issued, "CERTIFICATE").unwrap();
        assert_eq!(common_name(&der.into()).as_deref(), Some("test/device"));
    }

    #[test]
    fn a_request_with_a_wrong_signature_is_refused() {
        let authority = Authority::generate().unwrap();
        let (_, mut request) = request();
        *request.last_mut().unwrap() ^= 1;
        let error = authority
            .issue(&request, "test/device", DEVICE_LIFETIME)
            .unwrap_err();
        assert!(matches!(error, IssueError::Signature), "{error}");
        let error = authority
            .issue(&request[1..], "test/device", DEVICE_LIFETIME)
            .unwrap_err();
        assert!(matches!(error, IssueError::Malformed), "{error}");
    }

    #[test]
    fn verification_names_the_cause() {
        let authority = Authority::generate().unwrap();
        let other = Authority::generate().unwrap();
        let now = clock::now_ms();
        let issued = authority
            .issue(&request().1, "test/device", DEVICE_LIFETIME)
            .unwrap();
        assert!(matches!(authority.verify(&issued, now), Validity::Valid { until } if until > now));
        assert!(matches!(
            other.verify(&issued, now),
            Validity::Invalid("INVALID_SIGNATURE")
        ));
        let later = now + 4 * 365 * 86_400_000;
        assert!(matches!(
            authority.verify(&issued, later),
            Validity::Invalid("EXPIRED")
        ));
        assert!(matches!(
            authority.verify("x", now),
            Validity::Invalid("INVALID")
        ));
    }
}

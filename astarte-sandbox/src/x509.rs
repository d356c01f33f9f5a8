//! Reading certificates and certificate requests: the few fields that matter here, whatever the bytes are.

mod der;
mod key;

use der::{Reader, tag};

pub(crate) use key::PublicKey;

/// A certificate that parses. Nothing is verified.
pub(crate) struct Certificate<'a> {
    serial: &'a [u8],
    /// The name, encoded.
    pub(crate) issuer: &'a [u8],
    /// The name, encoded.
    pub(crate) subject: &'a [u8],
    /// In milliseconds since the epoch.
    pub(crate) not_before: i64,
    /// In milliseconds since the epoch.
    pub(crate) not_after: i64,
    pub(crate) key: PublicKey<'a>,
    signed: Signed<'a>,
}

/// A certificate request that parses. Nothing is verified.
pub(crate) struct Request<'a> {
    pub(crate) key: PublicKey<'a>,
    signed: Signed<'a>,
}

/// Something, and what somebody has signed it with.
struct Signed<'a> {
    body: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Option<Certificate<'a>> {
        let signed = Signed::parse(der)?;
        let mut body = Reader::new(signed.body).enter(tag::SEQUENCE)?;
        if body.peek() == Some(tag::VERSION) {
            body.any()?;
        }
        let serial = body.content(tag::INTEGER)?;
        body.any()?;
        let issuer = body.whole(tag::SEQUENCE)?;
        let mut validity = body.enter(tag::SEQUENCE)?;
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = body.whole(tag::SEQUENCE)?;
        let key = PublicKey::parse(&mut body)?;
        Some(Certificate {
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            signed,
        })
    }

    /// Returns the first common name of the subject whose string type the broker reads.
    pub(crate) fn common_name(&self) -> Option<&'a str> {
        let mut name = Reader::new(self.subject).enter(tag::SEQUENCE)?;
        while let Some(mut set) = name.enter(tag::SET) {
            while let Some(mut attribute) = set.enter(tag::SEQUENCE) {
                if attribute.content(tag::OBJECT_IDENTIFIER)? != COMMON_NAME {
                    continue;
                }
                let text = match attribute.peek()? {
                    kind @ (tag::UTF8_STRING | tag::PRINTABLE_STRING) => attribute.content(kind)?,
                    _ => continue,
                };
                return str::from_utf8(text).ok();
            }
        }
        None
    }

    /// Returns the serial number, or the largest one in place of one that is larger.
    pub(crate) fn serial(&self) -> u64 {
        let mut bytes = self.serial.iter().skip_while(|byte| **byte == 0);
        bytes
            .try_fold(0_u64, |serial, byte| {
                Some(serial.checked_mul(256)? | u64::from(*byte))
            })
            .unwrap_or(u64::MAX)
    }

    /// Whether the owner of a key has signed this.
    pub(crate) fn is_signed_by(&self, key: &PublicKey<'_>) -> bool {
        self.signed.is_by(key)
    }
}

impl<'a> Request<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Option<Request<'a>> {
        let signed = Signed::parse(der)?;
        let mut body = Reader::new(signed.body).enter(tag::SEQUENCE)?;
        body.content(tag::INTEGER)?;
        body.whole(tag::SEQUENCE)?;
        let key = PublicKey::parse(&mut body)?;
        Some(Request { key, signed })
    }

    /// Whether the owner of its key has signed this.
    pub(crate) fn is_signed(&self) -> bool {
        self.signed.is_by(&self.key)
    }
}

impl<'a> Signed<'a> {
    fn parse(der: &'a [u8]) -> Option<Signed<'a>> {
        let mut all = Reader::new(der);
        let mut parts = all.enter(tag::SEQUENCE)?;
        let body = parts.whole(tag::SEQUENCE)?;
        let algorithm = parts.content(tag::SEQUENCE)?;
        let signature = parts.bits()?;
        (all.is_empty() && parts.is_empty()).then_some(Signed {
            body,
            algorithm,
            signature,
        })
    }

    fn is_by(&self, key: &PublicKey<'_>) -> bool {
        key.verifies(self.algorithm, self.body, self.signature)
    }
}

/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 4, 3];

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256,
        PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SerialNumber, date_time_ymd,
    };

    use super::*;

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> (KeyPair, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        (key, certificate.der().to_vec())
    }

    fn common_name(names: &[(DnType, DnValue)]) -> Option<String> {
        let (_, der) = certificate(|params| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            for (kind, name) in names {
                params.distinguished_name.push(kind.clone(), name.clone());
            }
        });
        let certificate = Certificate::parse(&der).unwrap();
        certificate.common_name().map(str::to_owned)
    }

    #[test]
    fn the_fields_of_a_certificate() {
        let (_, der) = certificate(|params| {
            params.serial_number = Some(SerialNumber::from(0x80_01));
            params.not_before = date_time_ymd(2018, 9, 20);
            params.not_after = date_time_ymd(2050, 1, 1);
        });
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.serial(), 0x80_01);
        assert_eq!(certificate.not_before, 1_537_401_600_000);
        // From 2050 on it is written with four digits of the year.
        assert_eq!(certificate.not_after, 2_524_608_000_000);
        assert_eq!(certificate.issuer, certificate.subject);
    }

    #[test]
    fn a_serial_number_that_does_not_fit_is_the_largest() {
        for (bytes, serial) in [
            (&[1; 20][..], u64::MAX),
            (&[0, 0xff, 1], 0xff01),
            (&[0x7f; 8], 0x7f7f_7f7f_7f7f_7f7f),
        ] {
            let (_, der) = certificate(|params| {
                params.serial_number = Some(SerialNumber::from_slice(bytes));
            });
            assert_eq!(Certificate::parse(&der).unwrap().serial(), serial);
        }
    }

    #[test]
    fn the_common_name_is_text() {
        let organization = (DnType::OrganizationName, DnValue::from("Devices"));
        let utf8 = (DnType::CommonName, DnValue::Utf8String("test/é".into()));
        let printable = "test/id".try_into().unwrap();
        let printable = (DnType::CommonName, DnValue::PrintableString(printable));
        let teletex = "test/id".try_into().unwrap();
        let teletex = (DnType::CommonName, DnValue::TeletexString(teletex));
        let of = |names: &[_]| common_name(names);
        assert_eq!(of(&[organization.clone(), utf8]).unwrap(), "test/é");
        assert_eq!(of(&[printable]).unwrap(), "test/id");
        assert_eq!(of(&[teletex]), None);
        assert_eq!(of(&[organization]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn signatures_of_every_kind_of_key() {
        for algorithm in [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ED25519,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let params = CertificateParams::default();
            let certificate = params.self_signed(&key).unwrap();
            let certificate = Certificate::parse(certificate.der()).unwrap();
            assert!(certificate.is_signed_by(&certificate.key));
            let (_, other) = self::certificate(|_| {});
            assert!(!certificate.is_signed_by(&Certificate::parse(&other).unwrap().key));
            let request = params.serialize_request(&key).unwrap();
            assert!(Request::parse(request.der()).unwrap().is_signed());
        }
    }

    #[test]
    fn no_bytes_are_a_panic() {
        let (key, certificate) = certificate(|_| {});
        let request = CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        let read = |bytes: &[u8]| {
            if let Some(certificate) = Certificate::parse(bytes) {
                let _ = (certificate.common_name(), certificate.serial());
                let _ = certificate.is_signed_by(&certificate.key);
                let _ = certificate.key.for_signing();
            }
            if let Some(request) = Request::parse(bytes) {
                let _ = (request.is_signed(), request.key.for_signing());
            }
        };
        for whole in [certificate.as_slice(), request.der()] {
            for end in 0..whole.len() {
                assert!(Certificate::parse(&whole[..end]).is_none());
                assert!(Request::parse(&whole[..end]).is_none());
                read(&whole[end..]);
            }
            let mut bytes = whole.to_vec();
            for index in 0..bytes.len() {
                for byte in [0, 1, 0x30, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff] {
                    bytes[index] = byte;
                    read(&bytes);
                }
                bytes[index] = whole[index];
            }
        }
    }
}

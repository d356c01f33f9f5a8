//! Public keys, and what they have signed.

use rcgen::{
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData,
    SignatureAlgorithm,
};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};

use super::der::{Reader, tag};

/// A public key of any kind.
#[derive(Clone, Copy)]
pub(crate) struct PublicKey<'a> {
    /// Nothing for a key that cannot be used here.
    kind: Option<Kind>,
    bits: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Ed25519,
    P256,
    P384,
    Rsa,
}

/// A key for which a certificate can be signed.
pub(crate) struct Signable<'a> {
    algorithm: &'static SignatureAlgorithm,
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Takes the element that describes a key.
    pub(super) fn parse(reader: &mut Reader<'a>) -> Option<PublicKey<'a>> {
        let mut info = reader.enter(tag::SEQUENCE)?;
        let mut algorithm = info.enter(tag::SEQUENCE)?;
        let kind = match algorithm.content(tag::OBJECT_IDENTIFIER)? {
            oid::ED25519 => Some(Kind::Ed25519),
            oid::RSA => Some(Kind::Rsa),
            oid::ELLIPTIC_CURVE => match algorithm.content(tag::OBJECT_IDENTIFIER)? {
                oid::P256 => Some(Kind::P256),
                oid::P384 => Some(Kind::P384),
                _ => None,
            },
            _ => None,
        };
        let bits = info.bits()?;
        Some(PublicKey { kind, bits })
    }

    /// Whether the owner of this key made a signature, by an algorithm of which this is the
    /// description.
    pub(super) fn verifies(&self, algorithm: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        let algorithm = Reader::new(algorithm).content(tag::OBJECT_IDENTIFIER);
        let (Some(algorithm), Some(kind)) = (algorithm, self.kind) else {
            return false;
        };
        let algorithm: &'static dyn VerificationAlgorithm = match (algorithm, kind) {
            (oid::ED25519, Kind::Ed25519) => &ED25519,
            (oid::ECDSA_SHA256, Kind::P256) => &ECDSA_P256_SHA256_ASN1,
            (oid::ECDSA_SHA384, Kind::P256) => &ECDSA_P256_SHA384_ASN1,
            (oid::ECDSA_SHA256, Kind::P384) => &ECDSA_P384_SHA256_ASN1,
            (oid::ECDSA_SHA384, Kind::P384) => &ECDSA_P384_SHA384_ASN1,
            (oid::RSA_SHA256, Kind::Rsa) => &RSA_PKCS1_2048_8192_SHA256,
            (oid::RSA_SHA384, Kind::Rsa) => &RSA_PKCS1_2048_8192_SHA384,
            (oid::RSA_SHA512, Kind::Rsa) => &RSA_PKCS1_2048_8192_SHA512,
            _ => return false,
        };
        let key = UnparsedPublicKey::new(algorithm, self.bits);
        key.verify(signed, signature).is_ok()
    }

    /// Returns the key as something for which a certificate can be signed, if its kind is known.
    pub(crate) fn for_signing(&self) -> Option<Signable<'a>> {
        let algorithm = match self.kind? {
            Kind::Ed25519 => &PKCS_ED25519,
            Kind::P256 => &PKCS_ECDSA_P256_SHA256,
            Kind::P384 => &PKCS_ECDSA_P384_SHA384,
            Kind::Rsa => &PKCS_RSA_SHA256,
        };
        let bits = self.bits;
        Some(Signable { algorithm, bits })
    }
}

impl PublicKeyData for Signable<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// Object identifiers, encoded.
mod oid {
    /// 1.2.840.10045.2.1
    pub(super) const ELLIPTIC_CURVE: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    /// 1.2.840.10045.3.1.7
    pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    /// 1.3.132.0.34
    pub(super) const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
    /// 1.2.840.10045.4.3.2
    pub(super) const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    /// 1.2.840.10045.4.3.3
    pub(super) const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    /// 1.3.101.112
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    /// 1.2.840.113549.1.1.1
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    /// 1.2.840.113549.1.1.11
    pub(super) const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    /// 1.2.840.113549.1.1.12
    pub(super) const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
    /// 1.2.840.113549.1.1.13
    pub(super) const RSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
}

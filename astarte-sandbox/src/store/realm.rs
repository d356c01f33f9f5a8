//! Keys, certificates and addresses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FORMAT;
use crate::authority::Flaw;
use crate::core::Core;

/// What a sandbox has but for its devices and interfaces.
#[derive(Deserialize, Serialize)]
pub(crate) struct KeptRealm {
    format: u64,
    pub(crate) realm: String,
    pub(crate) port: u16,
    pub(crate) broker_port: u16,
    /// In PEM.
    pub(crate) realm_key: String,
    /// In PEM.
    pub(crate) ca_certificate: String,
    /// In PEM.
    pub(crate) ca_key: String,
    /// By common name: the serial number of the newest certificate that is invalid, and why.
    pub(crate) invalid_certificates: BTreeMap<String, (u64, Flaw)>,
}

impl KeptRealm {
    pub(super) fn of(core: &Core) -> KeptRealm {
        KeptRealm {
            format: FORMAT,
            realm: core.settings.realm.clone(),
            port: core.ports.0,
            broker_port: core.ports.1,
            realm_key: core.realm_key.private_pem().to_owned(),
            ca_certificate: core.authority.pem(),
            ca_key: core.authority.key_pem(),
            invalid_certificates: core.authority.condemned(),
        }
    }
}

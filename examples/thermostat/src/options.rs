//! The command line.

use std::{error::Error, path::PathBuf};

use lexopt::prelude::*;

/// Where the thermostat is to run. Without a pairing URL it brings its own sandbox.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// `--pairing-url`
    pub(crate) pairing_url: Option<String>,
    /// `--realm`
    pub(crate) realm: Option<String>,
    /// `--device-id`
    pub(crate) device_id: Option<String>,
    /// `--credentials-secret`, for a device that is registered
    pub(crate) credentials_secret: Option<String>,
    /// `--jwt`, to register one
    pub(crate) jwt: Option<String>,
    /// `--realm-key`, to register one with a token of its own
    pub(crate) realm_key: Option<PathBuf>,
    /// `--ca`
    pub(crate) ca: Option<PathBuf>,
    /// `--danger-accept-invalid-certificates`
    pub(crate) danger_accept_invalid_certificates: bool,
    /// `--store`
    pub(crate) store: Option<PathBuf>,
}

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A thermostat. Without options it runs against a sandbox in its own process.

Usage: thermostat [--pairing-url URL --realm NAME [OPTION...]]

  --pairing-url URL            the pairing API of a cluster, such as https://api.example.com/pairing
  --realm NAME                 the realm
  --device-id ID               the device's id; a random one by default
  --credentials-secret SECRET  of a device that is registered
  --jwt TOKEN                  registers the device with this token
  --realm-key FILE             registers the device with a token made from the realm's private key
  --ca FILE                    trusts the certificates in this PEM file as well
  --store DIR                  keeps credentials and properties in this folder; in memory by default
  --danger-accept-invalid-certificates
                               does not check who the servers are

The cluster needs the interfaces org.example.thermostat.* and org.example.vehicle.Position of the folder interfaces/.
";

impl Options {
    /// Reads the command line; `None` where it asks for help.
    ///
    /// # Errors
    ///
    /// - An option is unknown, or lacks its value.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options = Self::default();
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("pairing-url") => options.pairing_url = Some(parser.value()?.string()?),
                Long("realm") => options.realm = Some(parser.value()?.string()?),
                Long("device-id") => options.device_id = Some(parser.value()?.string()?),
                Long("credentials-secret") => {
                    options.credentials_secret = Some(parser.value()?.string()?)
                }
                Long("jwt") => options.jwt = Some(parser.value()?.string()?),
                Long("realm-key") => options.realm_key = Some(parser.value()?.into()),
                Long("ca") => options.ca = Some(parser.value()?.into()),
                Long("store") => options.store = Some(parser.value()?.into()),
                Long("danger-accept-invalid-certificates") => {
                    options.danger_accept_invalid_certificates = true
                }
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}

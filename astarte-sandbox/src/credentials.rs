//! Credentials of a device in files, for clients that do not pair.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use astarte_sandbox::{Device, Sandbox};
use rcgen::{CertificateParams, KeyPair};

/// The certificate of the broker's authority.
pub(crate) const AUTHORITY: &str = "ca.pem";
/// The certificate of the device.
pub(crate) const CERTIFICATE: &str = "device.pem";
/// Its key.
pub(crate) const KEY: &str = "device.key";

/// Writes what a client needs to be the device to a folder, which is made if it is not there.
pub(crate) fn write(
    folder: &Path,
    sandbox: &Sandbox,
    device: &Device,
) -> Result<(), Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let request = CertificateParams::default()
        .serialize_request(&key)?
        .pem()?;
    let name = format!("{}/{}", sandbox.realm(), device.id());
    let certificate = sandbox.sign_certificate(&request, &name, LIFETIME)?;
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join(AUTHORITY), sandbox.ca_pem()))
        .and_then(|()| fs::write(folder.join(CERTIFICATE), certificate))
        .and_then(|()| private(&folder.join(KEY), &key.serialize_pem()));
    written.map_err(|error| format!("`{}` cannot be written: {error}", folder.display()).into())
}

fn private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// As long as the pairing API gives it.
const LIFETIME: Duration = Duration::from_secs(2190 * 3600);

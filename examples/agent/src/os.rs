//! What the machine runs.

use std::{fs, io};

use astarte_runtime::SendError;

use crate::interfaces::{Handles, operating_system};

/// The distribution and its kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatingSystem {
    /// The name of the distribution.
    pub name: String,
    /// Its version; rolling distributions have none.
    pub version: Option<String>,
    /// The release of the kernel.
    pub kernel: String,
}

impl OperatingSystem {
    /// Reads `/etc/os-release` and `/proc`.
    ///
    /// # Errors
    ///
    /// - There is no such file.
    pub fn read() -> io::Result<Self> {
        let release = fs::read_to_string("/etc/os-release")
            .or_else(|_| fs::read_to_string("/usr/lib/os-release"))?;
        Ok(Self {
            name: value(&release, "NAME").unwrap_or_else(|| "Linux".to_owned()),
            version: value(&release, "VERSION_ID"),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
        })
    }

    /// Sets the properties.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub async fn report(&self, handles: &Handles) -> Result<(), SendError> {
        let properties = &handles.operating_system;
        properties
            .set(operating_system::DistributionName, &self.name)
            .await?;
        match &self.version {
            Some(version) => {
                properties
                    .set(operating_system::DistributionVersion, version)
                    .await?
            }
            None => {
                properties
                    .unset(operating_system::DistributionVersion)
                    .await?
            }
        };
        properties
            .set(operating_system::KernelRelease, &self.kernel)
            .await?;
        Ok(())
    }
}

/// The value of a line `KEY="value"`.
fn value(release: &str, key: &str) -> Option<String> {
    let lines = release.lines().filter_map(|line| line.split_once('='));
    let (_, value) = lines.into_iter().find(|(found, _)| *found == key)?;
    Some(value.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_quoted() {
        let release = "PRETTY_NAME=\"Example 1\"\nNAME=Example\nVERSION_ID='1'\n";
        assert_eq!(value(release, "NAME").as_deref(), Some("Example"));
        assert_eq!(value(release, "VERSION_ID").as_deref(), Some("1"));
        assert_eq!(value(release, "VARIANT"), None);
    }
}

//! How full the file systems are.

use std::{collections::BTreeSet, fs, io};

use astarte_runtime::{SendError, Timestamp};

use crate::interfaces::{Handles, StorageUsage, storage_usage};

/// A file system on a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// The name of the device, such as `sda1`.
    pub name: String,
    /// Where it is mounted first.
    pub mount_point: String,
}

/// The file systems that are mounted from devices, each once.
///
/// # Errors
///
/// - `/proc/mounts` cannot be read.
pub fn volumes() -> io::Result<Vec<Volume>> {
    Ok(parse(&fs::read_to_string("/proc/mounts")?))
}

impl Volume {
    /// Reads how full it is; `None` where it cannot be asked, for it was unmounted, or may not be seen.
    pub fn usage(&self) -> Option<StorageUsage> {
        let stat = rustix::fs::statvfs(self.mount_point.as_str()).ok()?;
        let bytes =
            |blocks: u64| i64::try_from(blocks.saturating_mul(stat.f_frsize)).unwrap_or(i64::MAX);
        Some(StorageUsage {
            mount_point: self.mount_point.clone(),
            total_bytes: bytes(stat.f_blocks),
            free_bytes: bytes(stat.f_bavail),
        })
    }

    /// Sends how full it is, and returns whether that is known.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub async fn report(&self, handles: &Handles) -> Result<bool, SendError> {
        let Some(usage) = self.usage() else {
            return Ok(false);
        };
        let path = storage_usage::Path { volume: &self.name };
        handles
            .storage_usage
            .send_at(path, &usage, Timestamp::now())
            .await?;
        Ok(true)
    }
}

/// Lines of `/dev/sda1 /boot ext4 rw 0 0`. What has no device is no storage: `proc`, `tmpfs`.
fn parse(mounts: &str) -> Vec<Volume> {
    let mut seen = BTreeSet::new();
    let volume = |line: &str| {
        let mut words = line.split(' ');
        let (device, mount_point) = (words.next()?, words.next()?);
        let name = device.strip_prefix("/dev/")?.replace('/', "-");
        seen.insert(name.clone()).then(|| Volume {
            name,
            mount_point: unescape(mount_point),
        })
    };
    mounts.lines().filter_map(volume).collect()
}

/// The kernel writes blanks in names as `\040`.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_volumes_once() {
        let mounts = "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/mapper/data /my\\040data xfs rw 0 0\n\
                      /dev/sda1 /again ext4 rw 0 0\n";
        let volume = |name: &str, mount_point: &str| Volume {
            name: name.to_owned(),
            mount_point: mount_point.to_owned(),
        };
        assert_eq!(
            parse(mounts),
            [volume("sda1", "/"), volume("mapper-data", "/my data")]
        );
    }

    #[test]
    fn the_root_has_a_size() {
        let root = Volume {
            name: "root".to_owned(),
            mount_point: "/".to_owned(),
        };
        let usage = root.usage().expect("there is a root");
        assert!(usage.free_bytes <= usage.total_bytes);
    }
}

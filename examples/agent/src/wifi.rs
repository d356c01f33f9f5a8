//! Which access points the radios hear.

use std::{fs, io, path::Path};

use astarte_runtime::{SendError, Timestamp};
use tokio::process::Command;

use crate::interfaces::{Handles, WifiScan, wifi_scan};

/// The network interfaces that are radios. Most servers, and all containers, have none.
///
/// # Errors
///
/// - `/sys/class/net` cannot be read.
pub fn radios() -> io::Result<Vec<String>> {
    radios_in(Path::new("/sys/class/net"))
}

/// The access points that the radio heard when the system scanned last.
///
/// # Errors
///
/// - The program `iw` is not installed, or says that it cannot tell.
pub async fn heard(radio: &str) -> io::Result<Vec<WifiScan>> {
    let output = Command::new("iw")
        .args(["dev", radio, "scan", "dump"])
        .output()
        .await?;
    match output.status.success() {
        true => Ok(parse(&String::from_utf8_lossy(&output.stdout))),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).trim(),
        )),
    }
}

/// Sends the access points, and returns how many they are.
///
/// # Errors
///
/// - The device has ended.
pub async fn report(
    handles: &Handles,
    radio: &str,
    heard: &[WifiScan],
) -> Result<usize, SendError> {
    let now = Timestamp::now();
    for access_point in heard {
        match handles
            .wifi_scan
            .send_at(wifi_scan::Path { radio }, access_point, now)
            .await
        {
            // A scan is of no use later: its mappings retain nothing.
            Ok(_) | Err(SendError::Offline { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(heard.len())
}

fn radios_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut radios = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("wireless").exists() || entry.path().join("phy80211").exists() {
            radios.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    radios.sort();
    Ok(radios)
}

/// Blocks that begin with `BSS 00:11:22:33:44:55(on wlan0)`, with indented facts.
fn parse(dump: &str) -> Vec<WifiScan> {
    let mut heard: Vec<WifiScan> = Vec::new();
    for line in dump.lines() {
        if let Some(rest) = line.strip_prefix("BSS ") {
            let bssid = rest.split(['(', ' ']).next().unwrap_or_default().to_owned();
            heard.push(WifiScan {
                bssid,
                ssid: String::new(),
                frequency: 0,
                signal: 0.0,
            });
            continue;
        }
        let (Some(last), Some((key, value))) = (heard.last_mut(), line.trim().split_once(": "))
        else {
            continue;
        };
        let number = value.split(' ').next().unwrap_or_default();
        match key {
            "SSID" => last.ssid = value.to_owned(),
            "freq" => last.frequency = number.parse().map_or(0, |mhz: f64| mhz as i32),
            "signal" => last.signal = number.parse().unwrap_or(0.0),
            _ => {}
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_access_points() {
        let dump = "BSS 00:11:22:33:44:55(on wlan0) -- associated\n\tfreq: 2437.0\n\tsignal: -41.50 dBm\n\tSSID: Küche\n\
                    BSS 66:77:88:99:aa:bb(on wlan0)\n\tfreq: 5180\n\tsignal: -80.00 dBm\n\tSSID: \n";
        let [near, far] = &parse(dump)[..] else {
            panic!("two")
        };
        assert_eq!(
            (near.bssid.as_str(), near.ssid.as_str()),
            ("00:11:22:33:44:55", "Küche")
        );
        assert_eq!((near.frequency, near.signal), (2437, -41.5));
        assert_eq!(
            (far.bssid.as_str(), far.ssid.as_str(), far.frequency),
            ("66:77:88:99:aa:bb", "", 5180)
        );
        assert_eq!(parse("command failed"), []);
    }

    #[test]
    fn radios_have_a_folder_of_their_own() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir_all(folder.path().join("wlan0/wireless"))?;
        fs::create_dir_all(folder.path().join("eth0"))?;
        assert_eq!(radios_in(folder.path())?, ["wlan0"]);
        Ok(())
    }
}

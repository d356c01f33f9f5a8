//! What the batteries say.

use std::{fs, io, path::Path};

use astarte_runtime::{AstarteValue, SendError, Timestamp};

use crate::interfaces::{BatteryStatus, Handles, battery_status};

/// What a battery does.
#[derive(AstarteValue, Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is filled.
    Charging,
    /// It feeds the machine.
    Discharging,
    /// It is full, and plugged in.
    Full,
    /// It is plugged in, and not filled on purpose.
    Idle,
    /// It does not tell.
    Unknown,
}

/// A battery of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Battery {
    /// The kernel's name, such as `BAT0`.
    pub name: String,
    /// How full it is, and what it does.
    pub status: BatteryStatus,
}

/// The batteries of the machine. Most boards, and all containers, have none.
///
/// # Errors
///
/// - `/sys/class/power_supply` cannot be read.
pub fn batteries() -> io::Result<Vec<Battery>> {
    batteries_in(Path::new("/sys/class/power_supply"))
}

impl Battery {
    /// Sends its status.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub async fn report(&self, handles: &Handles) -> Result<(), SendError> {
        let path = battery_status::Path {
            battery: &self.name,
        };
        handles
            .battery_status
            .send_at(path, &self.status, Timestamp::now())
            .await?;
        Ok(())
    }
}

fn batteries_in(folder: &Path) -> io::Result<Vec<Battery>> {
    let mut batteries = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(batteries),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let fact = |name| fs::read_to_string(entry.path().join(name)).ok();
        let is_battery = fact("type").is_some_and(|kind| kind.trim() == "Battery");
        let level = fact("capacity").and_then(|percent| percent.trim().parse().ok());
        if let Some(level) = level.filter(|_| is_battery) {
            let state = fact("status").map_or(State::Unknown, |word| state(word.trim()));
            batteries.push(Battery {
                name: entry.file_name().to_string_lossy().into_owned(),
                status: BatteryStatus { level, state },
            });
        }
    }
    batteries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(batteries)
}

/// The kernel's word for what a battery does.
fn state(word: &str) -> State {
    match word {
        "Charging" => State::Charging,
        "Discharging" => State::Discharging,
        "Full" => State::Full,
        "Not charging" => State::Idle,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_supplies_may_be_batteries() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let write = |supply: &str, facts: &[(&str, &str)]| {
            let supply = folder.path().join(supply);
            fs::create_dir(&supply)?;
            facts
                .iter()
                .try_for_each(|(name, text)| fs::write(supply.join(name), text))
        };
        write("AC", &[("type", "Mains\n")])?;
        write(
            "BAT0",
            &[
                ("type", "Battery\n"),
                ("capacity", "81\n"),
                ("status", "Not charging\n"),
            ],
        )?;
        let status = BatteryStatus {
            level: 81.0,
            state: State::Idle,
        };
        assert_eq!(
            batteries_in(folder.path())?,
            [Battery {
                name: "BAT0".to_owned(),
                status
            }]
        );
        assert_eq!(batteries_in(&folder.path().join("none"))?, []);
        Ok(())
    }
}

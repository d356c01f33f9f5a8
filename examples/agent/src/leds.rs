//! The lights of the machine.

use std::{fs, io, path::Path};

use astarte_runtime::AstarteValue;

/// What a light shows.
#[derive(AstarteValue, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It is dark.
    Off,
    /// It is lit.
    On,
    /// It goes on and off.
    Blink,
    /// It beats faster the more the machine has to do.
    Heartbeat,
}

/// Makes a light show something; `None` leaves it to the kernel, as after a start.
///
/// `folder` is `/sys/class/leds`, or a copy of it.
///
/// # Errors
///
/// - There is no such light, or it may not be changed.
pub fn show(folder: &Path, led: &str, behaviour: Option<Behaviour>) -> io::Result<()> {
    let light = folder.join(led);
    // The name comes from outside, and must not lead out of the folder.
    if led.starts_with('.') || !light.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "there is no such light",
        ));
    }
    let (trigger, brightness) = match behaviour {
        None | Some(Behaviour::Off) => ("none", Some("0")),
        Some(Behaviour::On) => ("none", Some("1")),
        Some(Behaviour::Blink) => ("timer", None),
        Some(Behaviour::Heartbeat) => ("heartbeat", None),
    };
    fs::write(light.join("trigger"), trigger)?;
    brightness.map_or(Ok(()), |level| fs::write(light.join("brightness"), level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lights_have_a_trigger_and_a_brightness() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let light = folder.path().join("status");
        fs::create_dir(&light)?;
        let shown = |name: &str| fs::read_to_string(light.join(name));

        show(folder.path(), "status", Some(Behaviour::Heartbeat))?;
        assert_eq!(shown("trigger")?, "heartbeat");
        show(folder.path(), "status", Some(Behaviour::On))?;
        assert_eq!(
            (shown("trigger")?.as_str(), shown("brightness")?.as_str()),
            ("none", "1")
        );

        for absent in ["power", "..", "."] {
            assert!(show(folder.path(), absent, None).is_err(), "{absent}");
        }
        Ok(())
    }
}

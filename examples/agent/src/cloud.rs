//! The other side: whoever manages the machine. It, too, names nothing by strings but the keys of an object.

use std::{error::Error, path::Path, time::Duration};

use agent::{
    interfaces::{
        BatteryStatus, Geolocation, HardwareInfo, LedBehaviour, OperatingSystem, OtaEvent,
        OtaRequest, StorageUsage, TelemetrySettings, WifiScan, led_behaviour, ota_event,
        ota_request, telemetry_settings,
    },
    telemetry::Topic,
};
use astarte_runtime::{Interface, PathWriter, WritePath};
use astarte_sandbox::{Device, Value};

/// The light that is told to blink.
pub(crate) const LIGHT: &str = "status";

/// How long the agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the cloud has of one agent.
pub(crate) struct Cloud {
    device: Device,
}

impl Cloud {
    pub(crate) fn new(device: Device) -> Self {
        Self { device }
    }

    /// Changes settings, and sends an update.
    ///
    /// # Errors
    ///
    /// - The agent does not do what it is told.
    pub(crate) async fn manage(&self, software: &Path) -> Result<(), Box<dyn Error>> {
        let silent = telemetry_settings::Enable { topic: Topic::Wifi };
        self.set::<TelemetrySettings>(&silent, false)?;
        let often = telemetry_settings::Period {
            topic: Topic::Storage,
        };
        self.set::<TelemetrySettings>(&often, 5)?;
        let light = led_behaviour::Behaviour { led: LIGHT };
        self.set::<LedBehaviour>(&light, "Blink")?;

        let url = format!("file://{}", software.display());
        let missing = format!("{url}.missing");
        for (id, url) in [("first", missing), ("second", url)] {
            let request = [("id", id), ("operation", "Install"), ("url", url.as_str())];
            self.device.publish_object(
                name::<OtaRequest>(),
                &path(&ota_request::Path)?,
                request,
            )?;
            self.finished(id).await?;
        }
        Ok(())
    }

    fn set<I: Interface>(
        &self,
        property: &impl WritePath,
        value: impl Into<Value>,
    ) -> Result<(), Box<dyn Error>> {
        self.device
            .set_property(name::<I>(), &path(property)?, value)?;
        Ok(())
    }

    /// Waits until an update came to an end, and tells what is heard of it.
    async fn finished(&self, request: &str) -> Result<(), Box<dyn Error>> {
        let path = path(&ota_event::Path)?;
        loop {
            let event = self
                .device
                .received(name::<OtaEvent>(), &path)
                .within(PATIENCE)
                .await?;
            let text = |key| match event.field(key) {
                Some(Value::String(text)) => text.as_str(),
                _ => "",
            };
            println!(
                "cloud: update {request}: {} {}",
                text("status"),
                text("message")
            );
            if matches!(text("status"), "Staged" | "Failed") {
                return Ok(());
            }
        }
    }

    /// Prints what arrived.
    pub(crate) fn summarise(&self) {
        println!("\nwhat the cloud has of {}:", self.device.id());
        let properties = |name| self.device.properties(name);
        for name in [name::<HardwareInfo>(), name::<OperatingSystem>()] {
            for (path, value) in properties(name) {
                println!("  {name}{path} = {value:?}");
            }
        }
        let datastreams = [
            name::<StorageUsage>(),
            name::<WifiScan>(),
            name::<BatteryStatus>(),
            name::<Geolocation>(),
            name::<OtaEvent>(),
        ];
        for name in datastreams {
            let paths = self.device.paths(name);
            let messages = paths.iter().map(|path| self.device.data(name, path).len());
            println!("  {name}: {} objects", messages.sum::<usize>());
        }
    }
}

/// The name of an interface.
fn name<I: Interface>() -> &'static str {
    I::DESCRIPTOR.name
}

/// The path of an endpoint.
fn path(endpoint: &impl WritePath) -> Result<String, Box<dyn Error>> {
    let mut path = String::new();
    let mut writer = PathWriter::new(&mut path);
    endpoint.write_path(&mut writer);
    writer.finish()?;
    Ok(path)
}

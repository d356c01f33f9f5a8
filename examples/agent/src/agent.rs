//! The agent: it reports what is due, and does what the cloud wants.

use std::{io, path::PathBuf};

use astarte_runtime::{Builder, Error, SendError};
use tokio::time::{Instant, sleep_until};

use crate::{
    battery,
    hardware::Hardware,
    interfaces::{self, Handles, Incoming, led_behaviour, ota_request, telemetry_settings},
    leds, location,
    os::OperatingSystem,
    ota::Updates,
    storage,
    telemetry::{Schedule, Topic},
    wifi,
};

/// What the agent does with the machine.
pub struct Agent {
    handles: Handles,
    schedule: Schedule,
    updates: Updates,
    leds: PathBuf,
}

/// A line about what the agent did, for whoever looks on.
pub type Report = String;

impl Agent {
    /// Registers everything that is said and heard.
    ///
    /// Lights are in the folder `leds`, `/sys/class/leds` on a machine; software is put into the folder `updates`.
    pub fn new(
        builder: &mut Builder,
        leds: impl Into<PathBuf>,
        updates: impl Into<PathBuf>,
    ) -> Self {
        let handles = interfaces::register(builder);
        let updates = Updates::new(handles.ota_event.clone(), updates.into());
        let (schedule, leds) = (Schedule::new(), leds.into());
        Self {
            handles,
            schedule,
            updates,
            leds,
        }
    }

    /// Sets the properties: what does not change while the agent runs.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub async fn introduce(&self) -> Result<Report, Error> {
        match (Hardware::read(), OperatingSystem::read()) {
            (Ok(hardware), Ok(system)) => {
                hardware.report(&self.handles).await?;
                system.report(&self.handles).await?;
                Ok(format!(
                    "{} cores, {}, kernel {}",
                    hardware.cores, system.name, system.kernel
                ))
            }
            (Err(error), _) | (_, Err(error)) => Ok(format!("the system cannot be read: {error}")),
        }
    }

    /// Waits until something is due, or the cloud wants something, and does it.
    ///
    /// # Errors
    ///
    /// - The device has ended, or its store cannot be read.
    pub async fn step(&mut self) -> Result<Report, Error> {
        let (topic, due) = self.schedule.first();
        tokio::select! {
            event = self.handles.incoming.recv() => self.handle(event?).await,
            () = sleep_until(due) => self.report(topic).await,
        }
    }

    /// A file more in the folder of interfaces is an event more here: this does not compile until it is handled.
    async fn handle(&mut self, event: Incoming) -> Result<Report, Error> {
        Ok(match event {
            Incoming::LedBehaviour(led_behaviour::Event::Behaviour { endpoint, value }) => {
                self.show(&endpoint.led, value)
            }
            Incoming::LedBehaviour(led_behaviour::Event::Purged(endpoint)) => {
                let led_behaviour::Endpoint::Behaviour(endpoint) = endpoint;
                self.show(&endpoint.led, None)
            }
            Incoming::OtaRequest(ota_request::Received { object, .. }) => {
                let report = format!("update {}: {:?}", object.id, object.operation);
                self.updates.handle(object).await?;
                report
            }
            Incoming::TelemetrySettings(telemetry_settings::Event::Enable { endpoint, value }) => {
                self.hasten(endpoint.topic);
                match value {
                    Some(true) => format!("{} is wanted", endpoint.topic),
                    Some(false) => format!("{} is not wanted", endpoint.topic),
                    None => format!("{} is up to the agent", endpoint.topic),
                }
            }
            Incoming::TelemetrySettings(telemetry_settings::Event::Period { endpoint, value }) => {
                self.hasten(endpoint.topic);
                format!("{} is wanted every {value} s", endpoint.topic)
            }
            Incoming::TelemetrySettings(telemetry_settings::Event::Purged(endpoint)) => {
                let (telemetry_settings::Endpoint::Enable(telemetry_settings::Enable { topic })
                | telemetry_settings::Endpoint::Period(telemetry_settings::Period { topic })) =
                    endpoint;
                self.hasten(topic);
                format!("{topic} is as it was")
            }
        })
    }

    fn show(&self, led: &str, behaviour: Option<leds::Behaviour>) -> Report {
        match leds::show(&self.leds, led, behaviour) {
            Ok(()) => format!("light {led}: {behaviour:?}"),
            Err(error) => format!("light {led}: {error}"),
        }
    }

    /// Reports a topic at once, by what is wanted from then on.
    fn hasten(&mut self, topic: Topic) {
        self.schedule.set(topic, Instant::now());
    }

    async fn report(&mut self, topic: Topic) -> Result<Report, Error> {
        let period = topic.period(&self.handles)?;
        self.schedule.set(topic, Instant::now() + period);
        if !topic.is_enabled(&self.handles)? {
            return Ok(format!("{topic}: silent"));
        }
        let found = match topic {
            Topic::Battery => self.report_batteries().await,
            Topic::Location => self.report_location().await,
            Topic::Storage => self.report_storage().await,
            Topic::Wifi => self.report_wifi().await,
        };
        match found {
            Ok(found) => Ok(format!("{topic}: {found}")),
            Err(Failure::System(error)) => Ok(format!("{topic}: {error}")),
            Err(Failure::Send(error)) => Err(error.into()),
        }
    }

    async fn report_batteries(&self) -> Result<Report, Failure> {
        let batteries = battery::batteries()?;
        for battery in &batteries {
            battery.report(&self.handles).await?;
        }
        Ok(counted(batteries.len(), "battery", "batteries"))
    }

    async fn report_location(&self) -> Result<Report, Failure> {
        let Some(position) = location::locate(location::GPSD).await? else {
            return Ok("gpsd tells no position".to_owned());
        };
        location::report(&self.handles, &position).await?;
        Ok(format!("{}, {}", position.latitude, position.longitude))
    }

    async fn report_storage(&self) -> Result<Report, Failure> {
        let mut reported = 0;
        for volume in storage::volumes()? {
            reported += usize::from(volume.report(&self.handles).await?);
        }
        Ok(counted(reported, "volume", "volumes"))
    }

    async fn report_wifi(&self) -> Result<Report, Failure> {
        let radios = wifi::radios()?;
        let mut reported = 0;
        for radio in &radios {
            reported += wifi::report(&self.handles, radio, &wifi::heard(radio).await?).await?;
        }
        match radios.is_empty() {
            true => Ok(counted(0, "radio", "radios")),
            false => Ok(counted(reported, "access point", "access points")),
        }
    }
}

/// Why something was not reported.
enum Failure {
    /// The machine does not tell; the agent goes on.
    System(io::Error),
    /// The device has ended.
    Send(SendError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

fn counted(number: usize, one: &str, many: &str) -> Report {
    match number {
        0 => format!("this machine has no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

//! The device: what it measures, what it knows, and what it is told.

use astarte_runtime::{Builder, Closed, Delivery, Handle, SendError, Timestamp, astarte_interface};

/// What the thermostat measures.
#[astarte_interface(
    "../../interfaces/org.example.thermostat.Readings.json",
    version = "1.0"
)]
pub(crate) struct Readings;

/// What the thermostat knows of its sensors.
#[astarte_interface("../../interfaces/org.example.thermostat.Status.json")]
pub(crate) struct Status;

/// How the thermostat is to work.
#[astarte_interface("../../interfaces/org.example.thermostat.Settings.json")]
pub(crate) struct Settings;

/// Where the vehicle is that the thermostat is built into.
#[astarte_interface("../../interfaces/org.example.vehicle.Position.json")]
pub(crate) struct Position;

/// The handles of a thermostat.
pub struct Thermostat {
    readings: Handle<Readings>,
    status: Handle<Status>,
    settings: Handle<Settings>,
    positions: Handle<Position>,
}

impl Thermostat {
    /// Registers what the thermostat says and hears.
    pub fn new(builder: &mut Builder) -> Self {
        Self {
            readings: builder.interface::<Readings>(),
            status: builder.interface::<Status>(),
            settings: builder.interface::<Settings>(),
            positions: builder.interface::<Position>(),
        }
    }

    /// Sends what was measured in a room.
    ///
    /// # Errors
    ///
    /// - A value that Astarte does not take, or a device that has ended.
    pub async fn report(
        &self,
        room: &str,
        temperature: f64,
        humidity: f64,
    ) -> Result<Delivery, SendError> {
        let now = Timestamp::now();
        // Offline, the humidity is of no use, and the temperature waits: their mappings say so.
        match self
            .readings
            .send(readings::Humidity { room }, humidity)
            .await
        {
            Ok(_) | Err(SendError::Offline { .. }) => {}
            Err(error) => return Err(error),
        }
        self.readings
            .send_at(readings::Temperature { room }, temperature, now)
            .await
    }

    /// Sends how long the device has been up.
    ///
    /// # Errors
    ///
    /// - A value that Astarte does not take, or a device that has ended or is offline.
    pub async fn report_uptime(&self, seconds: i64) -> Result<(), SendError> {
        self.readings
            .send(readings::DeviceUptimeSeconds, seconds)
            .await?;
        Ok(())
    }

    /// Sends where the vehicle is, as one object.
    ///
    /// # Errors
    ///
    /// - A device that has ended or is offline.
    pub async fn report_position(&self, vehicle: &str) -> Result<Delivery, SendError> {
        let position = Position {
            latitude: 45.46,
            longitude: 9.19,
            satellites: 9,
        };
        self.positions
            .send_at(position::Path { vehicle }, &position, Timestamp::now())
            .await
    }

    /// Notes the firmware of a room's sensor, and whether it answers.
    ///
    /// # Errors
    ///
    /// - A value that Astarte does not take, or a device that has ended.
    pub async fn sensor_found(&self, room: &str, firmware: &str) -> Result<(), SendError> {
        self.status.set(status::Firmware { room }, firmware).await?;
        self.status.set(status::Online { room }, true).await?;
        Ok(())
    }

    /// Forgets the firmware of a sensor that was taken away. `Online` cannot be unset: try it, it does not compile.
    ///
    /// # Errors
    ///
    /// - A device that has ended.
    pub async fn sensor_lost(&self, room: &str) -> Result<Delivery, SendError> {
        self.status.set(status::Online { room }, false).await?;
        self.status.unset(status::Firmware { room }).await
    }

    /// Waits until the cloud changes a setting, and says what follows from it.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub async fn next_setting(&mut self) -> Result<String, Closed> {
        Ok(match self.settings.recv().await? {
            settings::Event::Enable {
                endpoint,
                value: Some(on),
            } => {
                format!(
                    "heating of the {} is switched {}",
                    endpoint.room,
                    if on { "on" } else { "off" }
                )
            }
            settings::Event::Enable {
                endpoint,
                value: None,
            } => {
                format!("heating of the {} is up to the thermostat", endpoint.room)
            }
            settings::Event::SamplingPeriod { endpoint, value } => {
                format!("the {} is measured every {value} s", endpoint.room)
            }
            settings::Event::Purged(endpoint) => format!("{endpoint:?} is back to its default"),
        })
    }
}

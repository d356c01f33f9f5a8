//! What the end-to-end tests have in common: a sandbox with the interfaces of this project, and a device in it.

mod process;
mod proxy;

use std::collections::HashSet;
use std::{future::Future, path::PathBuf, time::Duration};

use astarte_runtime::{Config, ConnectError, Credentials, Disconnected, Status, StatusStream, Tls};
use astarte_sandbox::{Direction, Profile, Refusal, Sandbox};

pub use self::{process::Process, proxy::Proxy};

/// How long anything may take. Reached only where a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a test returns.
pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A sandbox and a device that is registered in it.
#[derive(Debug)]
pub struct Site {
    /// The sandbox, with every interface of `interfaces/`.
    pub sandbox: Sandbox,
    /// The device, as the sandbox sees it.
    pub device: astarte_sandbox::Device,
}

impl Site {
    /// Starts a sandbox that follows the specification.
    ///
    /// # Errors
    ///
    /// - The sandbox does not start.
    pub async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        Self::with_profile(Profile::Spec).await
    }

    /// Starts a sandbox that records what goes over the wire.
    ///
    /// # Errors
    ///
    /// - The sandbox does not start.
    pub async fn recorded() -> Result<Self, Box<dyn std::error::Error>> {
        let sandbox = Sandbox::builder()
            .interfaces_dir(interfaces_dir())
            .record_packets(100_000)
            .start()
            .await?;
        let device = sandbox.register_device()?;
        Ok(Self { sandbox, device })
    }

    /// How many times the device has connected, of those in the record.
    pub fn connects(&self) -> usize {
        const CONNECT: u8 = 1;
        self.sent(CONNECT).count()
    }

    /// How many messages of QoS 2 with data the device has recorded by a PUBREC, each once, of those in the record.
    pub fn recorded_messages(&self) -> usize {
        const PUBREC: u8 = 5;
        /// A PUBLISH of QoS 2, and not a repetition.
        const FIRST: u8 = 0x34;
        // Packet ids of messages that are not recorded yet.
        let mut unrecorded = HashSet::new();
        let mut recorded = 0;
        for packet in self.device.packets() {
            let bytes = &packet.bytes[..];
            match (packet.direction, bytes[0] >> 4) {
                (Direction::ToDevice, PUBLISH) if bytes[0] == FIRST => {
                    let (topic, id) = destination(bytes).unwrap_or_default();
                    if !topic.contains("/control/") {
                        unrecorded.insert(id);
                    }
                }
                (Direction::FromDevice, PUBREC) if unrecorded.remove(&bytes[2..]) => recorded += 1,
                _ => {}
            }
        }
        recorded
    }

    /// The topics that the device has published on, in the order of sending, of those in the record.
    pub fn published(&self) -> Vec<String> {
        let published = self.sent(PUBLISH);
        let topics = published.filter_map(|packet| Some(destination(&packet)?.0));
        topics.collect()
    }

    fn sent(&self, packet_type: u8) -> impl Iterator<Item = Vec<u8>> {
        let packets = self.device.packets().into_iter();
        packets
            .filter(|packet| packet.direction == Direction::FromDevice)
            .map(|packet| packet.bytes.to_vec())
            .filter(move |packet| packet[0] >> 4 == packet_type)
    }

    /// Starts a sandbox of a profile.
    ///
    /// # Errors
    ///
    /// - The sandbox does not start.
    pub async fn with_profile(profile: Profile) -> Result<Self, Box<dyn std::error::Error>> {
        Self::with_sandbox(Sandbox::builder().profile(profile)).await
    }

    /// Starts a sandbox of these settings.
    ///
    /// # Errors
    ///
    /// - The sandbox does not start.
    pub async fn with_sandbox(
        settings: astarte_sandbox::Builder,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let sandbox = settings.interfaces_dir(interfaces_dir()).start().await?;
        let device = sandbox.register_device()?;
        Ok(Self { sandbox, device })
    }

    /// A certificate of the device, and its key, without a pairing API.
    ///
    /// # Errors
    ///
    /// - The sandbox signs no certificate.
    pub fn credentials(&self) -> Result<Credentials, Box<dyn std::error::Error>> {
        let key = rcgen::KeyPair::generate()?;
        let request = rcgen::CertificateParams::default().serialize_request(&key)?;
        let name = format!("{}/{}", self.sandbox.realm(), self.device.id());
        let hour = Duration::from_secs(3600);
        let certificate = self
            .sandbox
            .sign_certificate(&request.pem()?, &name, hour)?;
        let key = key.serialize_pem();
        Ok(Credentials::from_pem(
            certificate.as_bytes(),
            key.as_bytes(),
        )?)
    }

    /// A proxy in front of the broker; see [`Proxy::start`].
    ///
    /// # Errors
    ///
    /// - There is no port.
    pub async fn proxy(&self, seed: u64) -> std::io::Result<Proxy> {
        let broker = self.sandbox.broker_url();
        let broker = broker.trim_start_matches("mqtts://").trim_end_matches('/');
        Proxy::start(broker.to_owned(), seed).await
    }

    /// The settings by which the device connects to the sandbox. It keeps everything in memory, and connects again at
    /// once.
    ///
    /// # Panics
    ///
    /// - The sandbox gives something that is not what it should be.
    pub fn config(&self) -> Config {
        self.config_of(&self.device)
    }

    /// The same for another device that is registered.
    ///
    /// # Panics
    ///
    /// - The sandbox gives something that is not what it should be.
    pub fn config_of(&self, device: &astarte_sandbox::Device) -> Config {
        let id = device
            .id()
            .to_string()
            .parse()
            .expect("the sandbox gives a device id");
        let realm = self
            .sandbox
            .realm()
            .parse()
            .expect("the sandbox has a realm");
        let secret = device
            .credentials_secret()
            .expect("the device is registered");
        let tls = Tls::new()
            .add_root_certificates_pem(self.sandbox.ca_pem().as_bytes())
            .expect("the sandbox has a certificate");
        Config::new(realm, id)
            .pairing(self.sandbox.pairing_url(), secret)
            .tls(tls)
            .backoff(Duration::from_millis(1), Duration::from_millis(10))
    }
}

const PUBLISH: u8 = 3;

/// The topic of a PUBLISH, and the bytes of its packet id where it is not of QoS 0.
fn destination(packet: &[u8]) -> Option<(String, Vec<u8>)> {
    // The length of the packet has one byte more for each with the highest bit.
    let longer = packet[1..].iter().take_while(|byte| **byte >= 0x80).count();
    let (length, rest) = packet.get(2 + longer..)?.split_first_chunk()?;
    let (topic, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let id = rest.get(..2).unwrap_or_default();
    Some((String::from_utf8(topic.to_vec()).ok()?, id.to_vec()))
}

/// Breaks the connection of a device, and lets none come to be until [`heal`](astarte_sandbox::Device::heal).
pub async fn go_offline(device: &astarte_sandbox::Device, stream: &mut StatusStream) {
    device.refuse_connections(1_000_000, Refusal::ServerUnavailable);
    device.drop_connection();
    status(stream, disconnected).await;
}

/// The settings of a device that reaches its broker through a proxy.
///
/// # Errors
///
/// - The sandbox signs no certificate.
pub fn through(site: &Site, proxy: &Proxy) -> Result<Config, Box<dyn std::error::Error>> {
    Ok(site
        .config()
        .broker(format!("mqtts://{}", proxy.address()), site.credentials()?)
        .backoff(Duration::from_millis(1), Duration::from_millis(3)))
}

/// The interface files of this project.
pub fn interfaces_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../interfaces"))
}

/// Awaits something that comes soon, or fails.
///
/// # Panics
///
/// - It does not come.
pub async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("what the test waits for does not come")
}

/// Waits for the first status event that is wanted.
///
/// # Panics
///
/// - It does not come.
pub async fn status<T>(stream: &mut StatusStream, wanted: impl Fn(Status) -> Option<T>) -> T {
    soon(async {
        loop {
            let status = stream.recv().await.expect("the device is there");
            if let Some(found) = wanted(status) {
                return found;
            }
        }
    })
    .await
}

/// What is told of the end of a connection; for [`status`].
pub fn disconnected(status: Status) -> Option<Disconnected> {
    match status {
        Status::Disconnected(disconnected) => Some(disconnected),
        _ => None,
    }
}

/// Waits until the device is connected.
///
/// # Panics
///
/// - It does not connect.
pub async fn connected(stream: &mut StatusStream) {
    status(stream, |status| {
        matches!(status, Status::Connected).then_some(())
    })
    .await;
}

/// The reason for which a device cannot connect.
///
/// # Panics
///
/// - It connects, or goes on trying.
pub async fn refused(builder: astarte_runtime::Builder) -> ConnectError {
    soon(builder.connect())
        .await
        .expect_err("the device is refused")
}

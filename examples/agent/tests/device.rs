//! What the cloud sees of the agent.

use std::{error::Error, fs, path::Path, time::Duration};

use agent::{
    Agent,
    interfaces::{
        BatteryStatus, Geolocation, HardwareInfo, LedBehaviour, OperatingSystem, OtaEvent,
        OtaRequest, StorageUsage, TelemetrySettings, WifiScan, hardware_info, led_behaviour,
        ota_event, ota_request, telemetry_settings,
    },
    telemetry::Topic,
};
use astarte_runtime::{Config, Device, Interface, PathWriter, Tls, WritePath};
use astarte_sandbox::{Sandbox, Value};
use tempfile::TempDir;
use tokio::time::timeout;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// How long anything may take. Reached only where a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// An agent that is connected, and the folder it may change.
struct Site {
    _sandbox: Sandbox,
    cloud: astarte_sandbox::Device,
    folder: TempDir,
    agent: Agent,
    _device: Device,
}

impl Site {
    async fn start() -> Result<Self> {
        let sandbox = Sandbox::builder()
            .interfaces_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/interfaces"))
            .start()
            .await?;
        let cloud = sandbox.register_device()?;
        let secret = cloud.credentials_secret().ok_or("it is registered")?;
        let tls = Tls::new().add_root_certificates_pem(sandbox.ca_pem().as_bytes())?;
        let config = Config::new(sandbox.realm().parse()?, cloud.id().to_string().parse()?)
            .pairing(sandbox.pairing_url(), secret.as_str())
            .tls(tls);
        let folder = tempfile::tempdir()?;
        fs::create_dir_all(folder.path().join("leds/status"))?;
        let mut builder = Device::builder(config);
        let agent = Agent::new(&mut builder, folder.path().join("leds"), folder.path());
        let device = timeout(PATIENCE, builder.connect()).await??;
        Ok(Self {
            _sandbox: sandbox,
            cloud,
            folder,
            agent,
            _device: device,
        })
    }

    /// Lets the agent work until it says something that begins like this.
    async fn until(&mut self, beginning: &str) -> Result<String> {
        timeout(PATIENCE, async {
            loop {
                let report = self.agent.step().await?;
                if report.starts_with(beginning) {
                    return Ok(report);
                }
            }
        })
        .await?
    }

    fn set<I: Interface>(&self, property: &impl WritePath, value: impl Into<Value>) -> Result {
        self.cloud
            .set_property(I::DESCRIPTOR.name, &path(property)?, value)?;
        Ok(())
    }
}

fn path(endpoint: &impl WritePath) -> Result<String> {
    let mut path = String::new();
    let mut writer = PathWriter::new(&mut path);
    endpoint.write_path(&mut writer);
    writer.finish()?;
    Ok(path)
}

#[tokio::test]
async fn the_machine_is_described() -> Result {
    let site = Site::start().await?;
    site.agent.introduce().await?;
    let cores = path(&hardware_info::CpuCores)?;
    let cores = site
        .cloud
        .received(HardwareInfo::DESCRIPTOR.name, &cores)
        .await?;
    let expected = i32::try_from(std::thread::available_parallelism()?.get())?;
    assert_eq!(cores.value(), Some(&Value::Integer(expected)));
    Ok(())
}

#[tokio::test]
async fn every_topic_is_reported_until_it_is_not_wanted() -> Result {
    let mut site = Site::start().await?;
    for topic in Topic::ALL {
        assert!(!site.until(&format!("{topic}: ")).await?.ends_with("silent"));
    }
    let setting = telemetry_settings::Enable {
        topic: Topic::Storage,
    };
    site.set::<TelemetrySettings>(&setting, false)?;
    site.until("storage is not wanted").await?;
    assert_eq!(site.until("storage: ").await?, "storage: silent");
    Ok(())
}

#[tokio::test]
async fn lights_show_what_the_cloud_wants() -> Result {
    let mut site = Site::start().await?;
    let light = led_behaviour::Behaviour { led: "status" };
    site.set::<LedBehaviour>(&light, "Heartbeat")?;
    assert_eq!(site.until("light ").await?, "light status: Some(Heartbeat)");
    let trigger = site.folder.path().join("leds/status/trigger");
    assert_eq!(fs::read_to_string(trigger)?, "heartbeat");

    let absent = led_behaviour::Behaviour { led: "power" };
    site.set::<LedBehaviour>(&absent, "On")?;
    assert_eq!(
        site.until("light ").await?,
        "light power: there is no such light"
    );
    Ok(())
}

#[tokio::test]
async fn an_update_is_staged() -> Result {
    let mut site = Site::start().await?;
    let software = site.folder.path().join("software");
    let source = tempfile::tempdir()?;
    let original = source.path().join("software");
    fs::write(&original, "the next version")?;

    let url = format!("file://{}", original.display());
    let request = [("id", "1"), ("operation", "Install"), ("url", url.as_str())];
    let (name, to) = (OtaRequest::DESCRIPTOR.name, path(&ota_request::Path)?);
    site.cloud.publish_object(name, &to, request)?;
    site.until("update 1").await?;

    let (name, from) = (OtaEvent::DESCRIPTOR.name, path(&ota_event::Path)?);
    for expected in ["Acknowledged", "Copying", "Staged"] {
        let event = site.cloud.received(name, &from).await?;
        assert_eq!(
            event.field("status"),
            Some(&Value::String(expected.to_owned()))
        );
    }
    assert_eq!(fs::read_to_string(software)?, "the next version");
    Ok(())
}

#[tokio::test]
async fn an_update_that_is_nowhere_fails() -> Result {
    let mut site = Site::start().await?;
    let request = [
        ("id", "1"),
        ("operation", "Install"),
        ("url", "https://example.com/"),
    ];
    let (name, to) = (OtaRequest::DESCRIPTOR.name, path(&ota_request::Path)?);
    site.cloud.publish_object(name, &to, request)?;
    site.until("update 1").await?;

    let (name, from) = (OtaEvent::DESCRIPTOR.name, path(&ota_event::Path)?);
    site.cloud.received(name, &from).await?;
    let event = site.cloud.received(name, &from).await?;
    let message = Value::String("the software is to be at a `file://` URL".to_owned());
    assert_eq!(event.field("message"), Some(&message));
    Ok(())
}

/// The types are enough: neither the agent nor its cloud spells out what is in the interface files.
#[test]
fn no_string_names_an_interface_or_an_endpoint() -> Result {
    let interfaces = [
        BatteryStatus::DESCRIPTOR,
        Geolocation::DESCRIPTOR,
        HardwareInfo::DESCRIPTOR,
        LedBehaviour::DESCRIPTOR,
        OperatingSystem::DESCRIPTOR,
        OtaEvent::DESCRIPTOR,
        OtaRequest::DESCRIPTOR,
        StorageUsage::DESCRIPTOR,
        TelemetrySettings::DESCRIPTOR,
        WifiScan::DESCRIPTOR,
    ];
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))? {
        let source = fs::read_to_string(file?.path())?;
        for descriptor in interfaces {
            assert!(!source.contains(descriptor.name), "{}", descriptor.name);
            for mapping in descriptor.mappings {
                assert!(!source.contains(mapping.endpoint), "{}", mapping.endpoint);
            }
        }
    }
    Ok(())
}

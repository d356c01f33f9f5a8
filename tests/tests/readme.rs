//! The code of the README compiles, and its JSON is a valid interface.

use astarte_interface::{Interface, Source};

mod device {
    use astarte_runtime::{Config, Device, Timestamp, astarte_interface};

    /// What the thermostat measures.
    #[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
    pub(super) struct Readings;

    #[rustfmt::skip]
    pub(super) fn config() -> Result<Config, Box<dyn std::error::Error>> {
        Ok(Config::new("test".parse()?, "2imLILqtRP2vq0ZVy-TGRQ".parse()?)   // realm, device id
            .pairing("https://api.astarte.example/pairing", "its credentials secret")
            .directory("/var/lib/thermostat"))              // without it a restart forgets all
    }

    #[rustfmt::skip]
    pub(super) async fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
        let mut builder = Device::builder(config);
        let readings = builder.interface::<Readings>();     // in the introspection from here on
        let device = builder.connect().await?;              // paired, connected, introduced

        let here = readings::Temperature { room: "kitchen" };
        let delivery = readings.send_at(here, 21.5, Timestamp::now()).await?; // accepted, retained if offline
        delivery.await?;                                    // the broker has it; or drop it, and go on
        readings.send(readings::Humidity { room: "kitchen" }, 40.0).await?; // offline: an error

        device.disconnect().await;
        Ok(())
    }
}

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = include_str!("../../README.md");
    let opening = format!("```{language}\n");
    readme
        .split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// Text without what differs by its place: indentation, visibility, and where the interfaces are.
fn plain(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            line.trim()
                .replace("../interfaces", "interfaces")
                .replace("pub(super) async", "async")
                .replace("pub(super) fn", "fn")
                .replace("pub(super) struct", "pub struct")
        })
        .filter(|line| !line.is_empty() && !line.starts_with("#[rustfmt"))
        .collect()
}

#[test]
fn the_device_is_the_one_above() {
    let this = include_str!("readme.rs");
    let module = this
        .split_once("mod device {")
        .and_then(|(_, rest)| rest.split_once("\n}\n"));
    let (module, _) = module.expect("the module is there");
    let [device, build] = &blocks("rust")[..] else {
        panic!("the README has two blocks of Rust")
    };
    assert_eq!(plain(device), plain(module));
    assert!(
        build.contains("astarte_build::Config::new().interfaces_dir(\"interfaces\").compile()")
    );
}

#[test]
fn the_interface_is_valid() {
    let [json] = &blocks("json")[..] else {
        panic!("the README has one block of JSON")
    };
    let checked = Interface::parse(&Source::new("README.md", json.as_str())).expect("it is valid");
    assert!(checked.warnings.is_empty(), "{}", checked.warnings);
    let whole = include_str!("../../interfaces/org.example.thermostat.Readings.json");
    let whole = Interface::parse(&Source::new("Readings", whole))
        .expect("it is valid")
        .interface;
    for mapping in checked.interface.mappings() {
        let same = whole
            .mappings()
            .find(|other| other.endpoint() == mapping.endpoint());
        let same = same.expect("the file has it as well");
        assert_eq!(
            (
                same.value_type(),
                same.reliability(),
                same.retention(),
                same.expiry(),
                same.explicit_timestamp()
            ),
            (
                mapping.value_type(),
                mapping.reliability(),
                mapping.retention(),
                mapping.expiry(),
                mapping.explicit_timestamp()
            )
        );
    }
}

/// The device of the README runs.
#[tokio::test]
async fn the_device_runs() -> astarte_tests::TestResult {
    assert!(device::config().is_ok());
    let site = astarte_tests::Site::start().await?;
    astarte_tests::soon(device::run(site.config())).await?;
    let received = site
        .device
        .received("org.example.thermostat.Readings", "/kitchen/temperature")
        .await?;
    assert_eq!(
        received.value(),
        Some(&astarte_sandbox::Value::Double(21.5))
    );
    Ok(())
}

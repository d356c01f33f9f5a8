//! A thermostat that lives through a day: it pairs, reports, is told what to do, loses its connection, and goes on.
//!
//! `cargo run -p thermostat` brings its own Astarte; `--help` tells how to run it against a cluster.

mod options;
mod site;

use std::{error::Error, time::Duration};

use astarte_runtime::{Device, Status, StatusStream};
use astarte_sandbox::{Sandbox, Value};
use thermostat::Thermostat;
use tokio::time::timeout;

use self::{options::Options, site::Site};

/// How long anything may take before the example gives up.
const PATIENCE: Duration = Duration::from_secs(30);

const SETTINGS: &str = "org.example.thermostat.Settings";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else {
        print!("{}", options::HELP);
        return Ok(());
    };
    let Site { config, sandbox } = Site::open(&options).await?;

    let mut builder = Device::builder(config);
    let mut thermostat = Thermostat::new(&mut builder);
    let mut events = builder.status();
    let device = timeout(PATIENCE, builder.connect()).await??;
    next(&mut events, |status| matches!(status, Status::Connected)).await?;
    println!("connected");

    thermostat.sensor_found("kitchen", "1.4.2").await?;
    thermostat.sensor_found("hall", "1.3.9").await?;
    for (temperature, humidity) in [(20.5, 41.0), (20.7, 41.5), (21.0, 42.0)] {
        thermostat.report("kitchen", temperature, humidity).await?;
    }
    thermostat.report_uptime(3_600).await?;
    thermostat.report_position("v-17").await?.await?;
    thermostat.sensor_lost("hall").await?.await?;
    println!(
        "reported three readings, an uptime, a position, and two sensors of which one is gone"
    );

    if let Some((_, cloud)) = &sandbox {
        cloud.set_property(SETTINGS, "/kitchen/enable", Value::Boolean(true))?;
        cloud.set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(60))?;
        for _ in 0..2 {
            println!(
                "the cloud: {}",
                timeout(PATIENCE, thermostat.next_setting()).await??
            );
        }

        cloud.drop_connection();
        next(&mut events, |status| {
            matches!(status, Status::Disconnected(_))
        })
        .await?;
        let waiting = thermostat.report("kitchen", 21.5, 42.5).await?;
        cloud.unset_property(SETTINGS, "/kitchen/enable")?;
        println!("offline, and a reading waits");
        next(&mut events, |status| matches!(status, Status::Connected)).await?;
        println!("the reading is {:?}", timeout(PATIENCE, waiting).await??);
        println!(
            "the cloud: {}",
            timeout(PATIENCE, thermostat.next_setting()).await??
        );
    }
    device.disconnect().await;

    if let Some((sandbox, cloud)) = sandbox {
        sandbox.all_processed().await;
        summary(&sandbox, &cloud);
    }
    Ok(())
}

/// Waits for an event, and tells those on the way that are of interest.
async fn next(
    events: &mut StatusStream,
    wanted: impl Fn(&Status) -> bool,
) -> Result<(), Box<dyn Error>> {
    timeout(PATIENCE, async {
        while let Some(status) = events.recv().await {
            match &status {
                Status::Disconnected(disconnected) => println!("{disconnected}"),
                Status::Rejected(rejected) => println!("{rejected}"),
                _ => {}
            }
            if wanted(&status) {
                return;
            }
        }
    })
    .await?;
    Ok(())
}

/// Prints what the sandbox has of the device.
fn summary(sandbox: &Sandbox, cloud: &astarte_sandbox::Device) {
    println!("\nwhat the sandbox received of {}:", cloud.id());
    for interface in sandbox.interfaces() {
        let name = interface.name().as_str();
        for path in cloud.paths(name) {
            let received = cloud.data(name, &path);
            let last = received
                .last()
                .map(|received| format!("{:?}", received.content()));
            println!(
                "{:>3} x {name}{path}, last {}",
                received.len(),
                last.unwrap_or_default()
            );
        }
        for (path, value) in cloud.properties(name) {
            println!("  set {name}{path} = {value:?}");
        }
    }
}

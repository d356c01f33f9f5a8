//! An agent on this machine, and a cloud that manages it, in one process: `cargo run -p agent`.
//!
//! It reads what the machine tells, and changes nothing but a folder of its own. With `--leds` it may change the lights
//! of the machine.

mod cloud;

use std::{error::Error, fs, path::Path, time::Duration};

use agent::Agent;
use astarte_runtime::{Config, Device, Tls};
use astarte_sandbox::Sandbox;
use tokio::time::timeout;

use self::cloud::Cloud;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::builder()
        .interfaces_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/interfaces"))
        .start()
        .await?;
    let registered = sandbox.register_device()?;
    let mut builder = Device::builder(config(&sandbox, &registered)?);

    let folder = tempfile::tempdir()?;
    let lights = folder.path().join("leds");
    fs::create_dir_all(lights.join(cloud::LIGHT))?;
    let lights = match std::env::args().any(|argument| argument == "--leds") {
        true => Path::new("/sys/class/leds"),
        false => &lights,
    };
    let updates = folder.path().join("updates");
    fs::create_dir_all(&updates)?;
    let mut agent = Agent::new(&mut builder, lights, updates);
    let device = timeout(PATIENCE, builder.connect()).await??;
    println!("agent: {}", agent.introduce().await?);

    let software = folder.path().join("software-2.0.bin");
    fs::write(&software, vec![0; 1 << 20])?;
    let cloud = Cloud::new(registered);
    let managed = timeout(PATIENCE, async {
        tokio::select! {
            done = cloud.manage(&software) => done,
            Err(error) = run(&mut agent) => Err(error),
        }
    });
    managed.await??;
    device.disconnect().await;

    sandbox.all_processed().await;
    cloud.summarise();
    Ok(())
}

/// Runs the agent until it fails, and tells what it does.
async fn run(agent: &mut Agent) -> Result<(), Box<dyn Error>> {
    loop {
        println!("agent: {}", agent.step().await?);
    }
}

fn config(
    sandbox: &Sandbox,
    registered: &astarte_sandbox::Device,
) -> Result<Config, Box<dyn Error>> {
    let secret = registered
        .credentials_secret()
        .ok_or("a registered device has a secret")?;
    let tls = Tls::new().add_root_certificates_pem(sandbox.ca_pem().as_bytes())?;
    let config = Config::new(
        sandbox.realm().parse()?,
        registered.id().to_string().parse()?,
    );
    Ok(config.pairing(sandbox.pairing_url(), secret).tls(tls))
}

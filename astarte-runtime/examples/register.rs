//! Registers a device and prints its credentials secret, which the device is then given.
//!
//! ```text
//! cargo run -p astarte-runtime --example register -- PAIRING_URL REALM (--jwt TOKEN | --realm-key FILE) [DEVICE_ID]
//! ```

use std::{env, error::Error, fs, process::ExitCode};

use astarte_runtime::{
    DeviceId, Tls,
    pairing::{Authorization, Client},
};

const USAGE: &str =
    "usage: register PAIRING_URL REALM (--jwt TOKEN | --realm-key FILE) [DEVICE_ID]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = register().await else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("caused by: {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}

async fn register() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [url, realm, means, right, ref device @ ..] = arguments[..] else {
        return Err(USAGE.into());
    };
    let authorization = match means {
        "--jwt" => Authorization::jwt(right),
        "--realm-key" => Authorization::realm_key(&fs::read(right)?)?,
        _ => return Err(USAGE.into()),
    };
    let device = match device {
        [] => DeviceId::random(),
        [id] => id.parse()?,
        _ => return Err(USAGE.into()),
    };

    let client = Client::new(url, &realm.parse()?, &Tls::new())?;
    let secret = client.register(device, &authorization).await?;
    println!("device id: {device}");
    println!("credentials secret: {}", secret.expose());
    Ok(())
}

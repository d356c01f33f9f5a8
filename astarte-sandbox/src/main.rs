//! `astarte-sandbox`: an Astarte on this machine, until Ctrl-C.

mod cli;
mod credentials;
mod hints;
mod welcome;

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use astarte_sandbox::{Device, Sandbox};
use serde_json::json;

use cli::{Command, Options};
use hints::hints;
use welcome::welcome;

fn main() -> ExitCode {
    let options = match cli::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => return finish(write!(io::stdout(), "{}", cli::HELP)),
        Ok(Command::Run(options)) => options,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", cli::USAGE);
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(&options)) {
        Ok(written) => finish(written),
        Err(error) => fail(&*error),
    }
}

/// Runs until the output cannot be written any more; the inner result says why.
async fn run(options: &Options) -> Result<io::Result<()>, Box<dyn Error>> {
    let sandbox = options.builder()?.start().await?;
    if let Some(path) = &options.write_ca {
        fs::write(path, sandbox.ca_pem())
            .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?;
    }
    let mut events = sandbox.events();
    let device = match sandbox.devices().into_iter().find(has_secret) {
        Some(device) => device,
        None => sandbox.register_device()?,
    };
    if let Some(folder) = &options.credentials {
        credentials::write(folder, &sandbox, &device)?;
    }
    let mut out = io::stdout();
    let start = match options.json {
        true => started(&sandbox, &device),
        false => welcome(&sandbox, &device, options),
    };
    if let Err(error) = writeln!(out, "{start}") {
        return Ok(Err(error));
    }
    while let Some(event) = events.next().await {
        let written = match options.json {
            true => writeln!(out, "{}", event.to_json()),
            false => writeln!(out, "{event}{}", hints(&sandbox, &event)),
        };
        if let Err(error) = written {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Whether the device can be used by whoever reads the greeting.
fn has_secret(device: &Device) -> bool {
    device.credentials_secret().is_some()
}

/// The first line of `--json`.
fn started(sandbox: &Sandbox, device: &Device) -> String {
    json!({
        "event": {
            "type": "started",
            "pairing_url": sandbox.pairing_url(),
            "realm": sandbox.realm(),
            "jwt": sandbox.jwt(),
            "broker_url": sandbox.broker_url(),
            "ca": sandbox.ca_pem(),
            "device_id": device.id().to_string(),
            "credentials_secret": device.credentials_secret(),
        },
    })
    .to_string()
}

/// Ends the program; a reader that has gone away is no failure.
fn finish(written: io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error),
        _ => ExitCode::SUCCESS,
    }
}

fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    eprintln!("error: {}", causes.join(": "));
    ExitCode::FAILURE
}

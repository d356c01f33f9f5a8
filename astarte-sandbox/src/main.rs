//! `astarte-sandbox`: an Astarte on this machine, until Ctrl-C.

mod cli;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use astarte_sandbox::{Device, Event, EventKind, Sandbox};
use serde_json::json;

use cli::{Command, Options};

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
    let mut out = io::stdout();
    let start = match options.json {
        true => started(&sandbox, &device),
        false => greeting(&sandbox, &device, options),
    };
    if let Err(error) = writeln!(out, "{start}") {
        return Ok(Err(error));
    }
    while let Some(event) = events.next().await {
        let written = match options.json {
            true => writeln!(out, "{}", event.to_json()),
            false => writeln!(out, "{event}{}", frame(&event)),
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

/// The place of the interface that an error is about, on lines of its own.
fn frame(event: &Event) -> String {
    let declaration = match &event.kind {
        EventKind::Error(error) => error.declaration.as_ref(),
        _ => None,
    };
    declaration.map_or_else(String::new, |declaration| {
        let lines = declaration.frame().replace('\n', "\n    ");
        format!("\n    {lines}")
    })
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

fn greeting(sandbox: &Sandbox, device: &Device, options: &Options) -> String {
    let interfaces = sandbox.interfaces();
    let ca = match &options.write_ca {
        Some(path) => path.display().to_string(),
        None => "start with --write-ca FILE to get it".to_owned(),
    };
    let mut text = format!("Astarte sandbox with {} interfaces\n\n", interfaces.len());
    let secret = device.credentials_secret().unwrap_or_default();
    let facts = [
        ("Pairing URL", sandbox.pairing_url().to_owned()),
        ("Realm", sandbox.realm().to_owned()),
        ("Agent JWT", sandbox.jwt()),
        ("Broker", sandbox.broker_url().to_owned()),
        ("CA of the broker", ca),
        ("A device to use", device.id().to_string()),
        ("Its secret", secret.clone()),
    ];
    let interfaces = interfaces.iter().map(|interface| {
        (
            "Interface",
            format!("{} {}", interface.name(), interface.version()),
        )
    });
    for (name, fact) in facts.into_iter().chain(interfaces) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:<18}{fact}");
    }
    let _ = write!(
        text,
        "\nRegister another device, with an id of 22 characters:\n\n  \
         curl {url}/v1/{realm}/agent/devices \\\n    \
         -H 'Content-Type: application/json' -H \"Authorization: Bearer $JWT\" \\\n    \
         -d '{{\"data\": {{\"hw_id\": \"2imLILqtRP2vq0ZVy-TGRQ\"}}}}'\n\n\
         Ask for what a device needs to connect:\n\n  \
         curl {url}/v1/{realm}/devices/{id} \\\n    \
         -H 'Authorization: Bearer {secret}'\n\n\
         What devices do follows; Ctrl-C ends the sandbox{forgets}.\n",
        url = sandbox.pairing_url(),
        realm = sandbox.realm(),
        id = device.id(),
        forgets = if options.keeps_data() {
            ""
        } else {
            " and forgets everything"
        },
    );
    text
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

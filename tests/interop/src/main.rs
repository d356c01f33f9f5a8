//! Device SDKs of others against a sandbox in this process, which plays the cloud.
//!
//! `interop rust PROFILE` runs the official Rust SDK, `interop python PROFILE INTERPRETER` the official Python SDK with
//! that interpreter; the profile is `spec` or `as-shipped`. A failure, or a step that takes too long, is a panic.

mod cloud;
mod python;
mod rust;
mod values;

use std::process::ExitCode;
use std::time::Duration;

use astarte_sandbox::{Profile, Sandbox};
use tokio::time::timeout;

/// How long an SDK may take.
const LIMIT: Duration = Duration::from_secs(90);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["rust", profile] => {
            let sandbox = start(profile).await;
            let done = timeout(LIMIT, rust::run(&sandbox)).await;
            done.map_err(|_| sandbox)
        }
        ["python", profile, interpreter] => {
            let sandbox = start(profile).await;
            let done = timeout(LIMIT, python::run(&sandbox, interpreter)).await;
            done.map_err(|_| sandbox)
        }
        _ => {
            eprintln!("usage: interop rust PROFILE | interop python PROFILE INTERPRETER");
            return ExitCode::from(2);
        }
    };
    if let Err(sandbox) = done {
        for event in sandbox.history() {
            eprintln!("{event}");
        }
        panic!("not done within {LIMIT:?}");
    }
    ExitCode::SUCCESS
}

async fn start(profile: &str) -> Sandbox {
    let profile = match profile {
        "spec" => Profile::Spec,
        "as-shipped" => Profile::AsShipped,
        other => panic!("`{other}` is not a profile"),
    };
    let builder = Sandbox::builder()
        .profile(profile)
        .interfaces_dir(interfaces());
    builder.start().await.expect("the sandbox starts")
}

fn interfaces() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../interfaces")
}

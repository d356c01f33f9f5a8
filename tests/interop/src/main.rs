//! Device SDKs of others against a sandbox in this process, which plays the cloud.
//!
//! `interop rust` runs the official Rust SDK, `interop python PYTHON` the official Python SDK with
//! that interpreter; both with each profile. A failure, or a step that takes too long, is a panic.

mod cloud;
mod python;
mod rust;
mod values;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use astarte_sandbox::{Profile, Sandbox};
use tokio::time::timeout;

/// How long one SDK may take with one profile.
const LIMIT: Duration = Duration::from_secs(90);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (sdk, interpreter) = (arguments.next(), arguments.next());
    for profile in [Profile::Spec, Profile::AsShipped] {
        let started = Instant::now();
        let builder = Sandbox::builder()
            .profile(profile)
            .interfaces_dir(interfaces());
        let sandbox = builder.start().await.expect("the sandbox starts");
        let done = match (sdk.as_deref(), &interpreter) {
            (Some("rust"), None) => timeout(LIMIT, rust::run(&sandbox)).await,
            (Some("python"), Some(python)) => timeout(LIMIT, python::run(&sandbox, python)).await,
            _ => {
                eprintln!("usage: interop rust | interop python INTERPRETER");
                return ExitCode::from(2);
            }
        };
        if done.is_err() {
            sandbox
                .history()
                .iter()
                .for_each(|event| eprintln!("{event}"));
            panic!("not done within {LIMIT:?}");
        }
        let sdk = sdk.as_deref().unwrap_or_default();
        println!(
            "{sdk} SDK, {profile:?}: passed in {:.1} s",
            started.elapsed().as_secs_f64()
        );
    }
    ExitCode::SUCCESS
}

fn interfaces() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../interfaces")
}

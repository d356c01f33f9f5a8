//! What the runtime weighs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use device_bench::Result;

use crate::process::checked;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// The crates of the runtime with its default features, itself among them.
pub(crate) fn crates() -> Result<usize> {
    let tree = checked(cargo("tree").args([
        "--package=astarte-runtime",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]))?;
    let version = |line: &str| {
        line.split(' ')
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let crates: BTreeSet<_> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(version)
        .collect();
    Ok(crates.len())
}

/// Builds the smallest device with a profile; returns where it is.
pub(crate) fn smallest(profile: &str) -> Result<PathBuf> {
    let target = std::env::current_exe()?;
    let target = target
        .parent()
        .and_then(Path::parent)
        .ok_or("no target folder")?;
    checked(
        cargo("build")
            .args(["--quiet", "--package=minimal", "--profile", profile])
            .arg("--target-dir")
            .arg(target),
    )?;
    Ok(target.join(profile).join("minimal"))
}

fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(PACKAGE).arg(subcommand);
    command
}

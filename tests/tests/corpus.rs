//! The interface files of public projects compile, where they lie beside this project.
//!
//! A crate has one version of each interface, so there are as many crates as a name has files.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use astarte_build::Config;

#[test]
fn every_file_compiles_without_a_warning() {
    let corpus = root().join("../../shared/corpus");
    if !corpus.is_dir() {
        return;
    }
    let crates = distribute(&corpus);
    assert!(crates.len() > 1, "some names have several versions");
    let sources: Vec<String> = crates.iter().map(|files| generate(files)).collect();
    let workspace = write_workspace(&sources);
    check(&workspace, &["clippy"]);
    check(&workspace, &["doc", "--no-deps"]);
    check(&workspace, &["test", "--doc"]);
}

/// The files, but for those with `encrypted` mappings, so that each group has a name once.
fn distribute(corpus: &Path) -> Vec<Vec<PathBuf>> {
    let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut files: Vec<PathBuf> = fs::read_dir(corpus)
        .expect("the folder can be read")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).expect("the file can be read");
        if text.contains("\"encrypted\": true") {
            continue;
        }
        by_name.entry(interface_name(&text)).or_default().push(file);
    }
    let most = by_name.values().map(Vec::len).max().unwrap_or_default();
    let group = |index: usize| {
        by_name
            .values()
            .filter_map(move |files| files.get(index).cloned())
    };
    (0..most).map(|index| group(index).collect()).collect()
}

/// Without case and hyphens, as the server compares names.
fn interface_name(text: &str) -> String {
    let (_, rest) = text
        .split_once("\"interface_name\"")
        .expect("files have a name");
    let name = rest.split('"').nth(1).expect("the name is a string");
    name.replace('-', "").to_lowercase()
}

fn generate(files: &[PathBuf]) -> String {
    let config = files
        .iter()
        .fold(Config::new(), |config, file| config.interface(file));
    let config = config.full_names(true).registration(false);
    let code = config.generate().unwrap_or_else(|error| panic!("{error}"));
    let lints = "#![deny(warnings, missing_docs, clippy::all)]\n#![deny(rustdoc::all)]\n";
    format!("{lints}//! Interfaces of public projects.\n\n{code}")
}

/// A workspace of its own, with a crate for each source, and the lock file of this one.
fn write_workspace(sources: &[String]) -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    let members = (0..sources.len())
        .map(|index| format!("\"crate{index}\""))
        .collect::<Vec<_>>();
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n",
        members.join(", ")
    );
    write(&workspace.join("Cargo.toml"), &manifest);
    let lock = fs::read_to_string(root().join("../Cargo.lock")).expect("the lock file exists");
    write(&workspace.join("Cargo.lock"), &lock);
    let runtime = root().join("../astarte-runtime");
    for (index, source) in sources.iter().enumerate() {
        let manifest = format!(
            "[package]\nname = \"crate{index}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nastarte-runtime = {{ path = {runtime:?}, default-features = false }}\n"
        );
        write(
            &workspace.join(format!("crate{index}/Cargo.toml")),
            &manifest,
        );
        write(&workspace.join(format!("crate{index}/src/lib.rs")), source);
    }
    workspace
}

/// Keeps the file's time where its text is the same, so that cargo does nothing again.
fn write(file: &Path, text: &str) {
    if fs::read_to_string(file).is_ok_and(|found| found == text) {
        return;
    }
    fs::create_dir_all(file.parent().expect("files are in folders")).expect("it can be made");
    fs::write(file, text).expect("the file can be written");
}

fn check(workspace: &Path, command: &[&str]) {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(workspace)
        .args(command)
        .args(["--workspace", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo {}:\n{}",
        command.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

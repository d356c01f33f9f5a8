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
    let groups = distribute(&corpus);
    assert!(groups.len() > 1, "some names have several versions");
    let workspace = Workspace::new(groups.len());
    for (index, files) in groups.iter().enumerate() {
        workspace.write(&format!("build{index}/src/lib.rs"), &by_build_script(files));
        let copies = files
            .iter()
            .map(|file| workspace.copy(file, &format!("macro{index}")));
        let source = by_macro(&copies.collect::<Vec<_>>());
        workspace.write(&format!("macro{index}/src/lib.rs"), &source);
    }
    workspace.check(&["clippy"]);
    workspace.check(&["doc", "--no-deps"]);
    workspace.check(&["test", "--doc"]);
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

fn by_build_script(files: &[PathBuf]) -> String {
    let config = files.iter().fold(Config::new(), Config::interface);
    let config = config.full_names(true).registration(false);
    let code = config.generate().unwrap_or_else(|error| panic!("{error}"));
    format!("{HEAD}{code}")
}

fn by_macro(files: &[String]) -> String {
    let modules = files.iter().enumerate().map(|(index, file)| {
        format!(
            "/// One interface.\npub mod interface{index} {{\n    \
             #[astarte_runtime::astarte_interface({file:?})]\n    pub struct Interface;\n}}\n"
        )
    });
    format!("{HEAD}{}", modules.collect::<Vec<_>>().join("\n"))
}

const HEAD: &str = "#![deny(warnings, missing_docs, clippy::all)]\n#![deny(rustdoc::all)]\n\
                    //! Interfaces of public projects.\n\n";

/// A workspace of its own, with the lock file of this one.
struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// With two crates for each group: by a build script, and by macros.
    fn new(groups: usize) -> Self {
        let workspace = Self {
            root: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("corpus"),
        };
        let members: Vec<String> = (0..groups)
            .flat_map(|index| [format!("build{index}"), format!("macro{index}")])
            .collect();
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
        workspace.write("Cargo.toml", &manifest);
        let lock = fs::read_to_string(root().join("../Cargo.lock")).expect("the lock file exists");
        workspace.write("Cargo.lock", &lock);
        let runtime = root().join("../astarte-runtime");
        for name in &members {
            let features = if name.starts_with("macro") {
                "\"derive\""
            } else {
                ""
            };
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
                 astarte-runtime = {{ path = {runtime:?}, default-features = false, features = [{features}] }}\n"
            );
            workspace.write(&format!("{name}/Cargo.toml"), &manifest);
        }
        workspace
    }

    /// Copies a file into the crate, because macros take paths in it.
    fn copy(&self, file: &Path, name: &str) -> String {
        let text = fs::read_to_string(file).expect("the file can be read");
        let file_name = file
            .file_name()
            .expect("files have names")
            .to_string_lossy();
        let path = format!("interfaces/{file_name}");
        self.write(&format!("{name}/{path}"), &text);
        path
    }

    /// Keeps the file's time where its text is the same, so that cargo does nothing again.
    fn write(&self, path: &str, text: &str) {
        let file = self.root.join(path);
        if fs::read_to_string(&file).is_ok_and(|found| found == text) {
            return;
        }
        fs::create_dir_all(file.parent().expect("it is in a folder")).expect("it can be made");
        fs::write(file, text).expect("the file can be written");
    }

    fn check(&self, command: &[&str]) {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(&self.root)
            .args(command)
            .args(["--workspace", "--offline", "--quiet"])
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "cargo {}:\n{}",
            command.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

//! Cargo compiles anew what depends on an interface file that changes, and nothing else.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Two crates, one by the macro and one by a build script, over a folder each.
struct Workspace {
    root: PathBuf,
}

#[test]
fn a_change_of_a_file_compiles_what_depends_on_it() {
    let workspace = Workspace::new();
    workspace.write_interface("by-macro", "Level", 1);
    workspace.write_interface("by-build-script", "Level", 1);
    workspace.build();
    assert_eq!(workspace.build(), [""; 0], "nothing changed");

    workspace.write_interface("by-macro", "Level", 2);
    assert_eq!(workspace.build(), ["by-macro"]);
    workspace.write_interface("by-build-script", "Level", 2);
    assert_eq!(workspace.build(), ["by-build-script"]);

    workspace.write_interface("by-build-script", "Other", 1);
    assert_eq!(workspace.build(), ["by-build-script"], "a file was added");
    assert_eq!(workspace.build(), [""; 0], "nothing changed");
}

impl Workspace {
    fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rebuild");
        let _ = fs::remove_dir_all(root.join("by-macro"));
        let _ = fs::remove_dir_all(root.join("by-build-script"));
        let workspace = Self { root };
        workspace.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"by-macro\", \"by-build-script\"]\n",
        );
        let lock = fs::read_to_string(project().join("Cargo.lock")).expect("it exists");
        workspace.write("Cargo.lock", &lock);
        workspace.write_crate("by-macro", "[\"derive\"]", "");
        workspace.write(
            "by-macro/src/main.rs",
            "#![deny(warnings)]\n#![allow(dead_code)]\n\
             #[astarte_runtime::astarte_interface(\"interfaces/Level.json\")]\n\
             struct Level;\n\nfn main() {}\n",
        );
        let build = format!(
            "\n[build-dependencies]\nastarte-build = {{ path = {:?} }}\n",
            project().join("astarte-build")
        );
        workspace.write_crate("by-build-script", "[]", &build);
        workspace.write(
            "by-build-script/build.rs",
            "fn main() -> Result<(), astarte_build::Error> {\n    \
             astarte_build::Config::new().interfaces_dir(\"interfaces\").registration(false).compile()\n}\n",
        );
        // A binary that uses none of it: what is not used must not be a warning.
        workspace.write(
            "by-build-script/src/main.rs",
            "#![deny(warnings, unreachable_pub)]\n\
             mod interfaces {\n    astarte_runtime::include_interfaces!();\n}\n\nfn main() {}\n",
        );
        workspace
    }

    fn write_crate(&self, name: &str, features: &str, more: &str) {
        let runtime = project().join("astarte-runtime");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             astarte-runtime = {{ path = {runtime:?}, default-features = false, features = {features} }}\n{more}"
        );
        self.write(&format!("{name}/Cargo.toml"), &manifest);
    }

    fn write_interface(&self, package: &str, name: &str, minor: u32) {
        let text = format!(
            r#"{{ "interface_name": "org.example.{name}", "version_major": 1, "version_minor": {minor},
                 "type": "datastream", "ownership": "server",
                 "mappings": [{{ "endpoint": "/%{{room}}/value", "type": "double" }}] }}"#
        );
        self.write(&format!("{package}/interfaces/{name}.json"), &text);
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.root.join(path);
        if fs::read_to_string(&file).is_ok_and(|found| found == text) {
            return;
        }
        fs::create_dir_all(file.parent().expect("it is in a folder")).expect("it can be made");
        fs::write(file, text).expect("the file can be written");
    }

    /// Builds, and returns which of the two crates were compiled.
    fn build(&self) -> Vec<String> {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(&self.root)
            .args(["build", "--workspace", "--offline", "--message-format=json"])
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .output()
            .expect("cargo runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        let messages = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{errors}\n{messages}");
        let compiled = |name: &&str| {
            let executable = format!(
                "\"target\":{{\"kind\":[\"bin\"],\"crate_types\":[\"bin\"],\"name\":\"{name}\""
            );
            let fresh = |line: &str| line.contains("\"fresh\":true");
            messages
                .lines()
                .any(|line| line.contains(&executable) && !fresh(line))
        };
        let names = ["by-build-script", "by-macro"];
        names
            .iter()
            .filter(|name| compiled(name))
            .map(|name| (*name).to_owned())
            .collect()
    }
}

/// The folder of this project's workspace.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the workspace")
}

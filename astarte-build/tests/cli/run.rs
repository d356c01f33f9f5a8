use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// What a run of the command came to. `Display` shows it as in a terminal, without paths of this machine.
pub(crate) struct Run {
    arguments: Vec<String>,
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn in_folder(
        folder: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        let mut command = command(folder);
        command.args(arguments);
        let output = command.output().unwrap();
        Self::of(&command, output)
    }

    fn of(command: &Command, output: Output) -> Self {
        let arguments = command.get_args();
        Self {
            arguments: arguments
                .map(|it| it.to_string_lossy().into_owned())
                .collect(),
            status: output.status.code().expect("the command ends by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The command, in a folder, with nothing that changes what it writes.
pub(crate) fn command(folder: impl AsRef<Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_astarte-build"));
    command
        .current_dir(folder)
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scratch = format!("{}/", Path::new(env!("CARGO_TARGET_TMPDIR")).display());
        let command = self.arguments.join(" ");
        let Self {
            status,
            stdout,
            stderr,
            ..
        } = self;
        let shown = format!("$ astarte-build {command}\n{stdout}{stderr}status {status}\n");
        f.write_str(&shown.replace(&scratch, ""))
    }
}

/// The documents that bring each code about.
pub(crate) fn diagnostics_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../astarte-interface/tests/diagnostics")
}

/// The interfaces of examples and tests.
pub(crate) fn interfaces_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../interfaces")
}

/// An empty folder.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// An interface that nothing is wrong with.
pub(crate) const VALID: &str = r#"{
  "interface_name": "org.example.Readings",
  "version_major": 1,
  "version_minor": 0,
  "type": "datastream",
  "ownership": "device",
  "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }]
}
"#;

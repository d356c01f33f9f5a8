//! What rustc says to mistakes. Bless with `TRYBUILD=overwrite`, then read what changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use astarte_interface::{Code, Stage};

#[test]
fn mistakes_are_explained() {
    bring_files("tests/ui/interfaces", "ui/interfaces");
    bring_files(
        "astarte-interface/tests/diagnostics",
        "ui/interfaces/schema",
    );
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}

#[test]
fn each_error_has_a_case() {
    let texts = texts();
    let lacking: Vec<&str> = errors()
        .map(Code::as_str)
        .filter(|code| !texts.iter().any(|text| text.contains(&format!("[{code}]"))))
        .collect();
    assert!(lacking.is_empty(), "no case in tests/ui shows {lacking:?}");
}

/// What the texts say of code is for every machine.
#[test]
fn no_path_of_a_machine_is_shown() {
    let root = project().to_string_lossy();
    for text in texts() {
        assert!(!text.contains(&*root), "{text}");
    }
}

/// The errors that a macro can report. Warnings are for build scripts, and so is what compares versions.
fn errors() -> impl Iterator<Item = Code> {
    let by_macro = |code: &Code| match code.stage() {
        Stage::Names | Stage::Rust => true,
        // Its file of 4 MiB is made by a test of the schema.
        _ if *code == Code::JsonTooLarge => false,
        Stage::Json | Stage::Rules | Stage::Schema => is_error(*code),
        _ => false,
    };
    Code::ALL.iter().copied().filter(by_macro)
}

/// The tests of the schema have a text for each code that a document brings about.
fn is_error(code: Code) -> bool {
    let name = format!("{}.txt", code.as_str().replace("::", "--"));
    let file = project()
        .join("astarte-interface/tests/diagnostics")
        .join(name);
    fs::read_to_string(file).is_ok_and(|text| text.starts_with("error"))
}

fn texts() -> Vec<String> {
    let topics = files(&project().join("tests/ui"));
    let cases = topics
        .iter()
        .filter(|topic| topic.is_dir())
        .flat_map(|topic| files(topic));
    cases
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "stderr")
        })
        .map(|file| fs::read_to_string(file).expect("it can be read"))
        .collect()
}

/// trybuild compiles the cases in a package of its own, whose folder the paths in them count from.
fn bring_files(from: &str, to: &str) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.expect("it is in the target folder");
    let package = target.join("tests/trybuild").join(env!("CARGO_PKG_NAME"));
    let to = package.join(to);
    fs::create_dir_all(&to).expect("the target folder can be written");
    for file in files(&project().join(from)) {
        let name = file.file_name().expect("files have names");
        if file.is_file() {
            fs::copy(&file, to.join(name)).expect("files can be copied");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder exists");
    entries
        .map(|entry| entry.expect("it can be read").path())
        .collect()
}

/// The folder of this project's workspace.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the workspace")
}

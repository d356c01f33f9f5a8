//! The command `astarte-build`, as its users run it.

#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/run.rs"]
mod run;

use std::{collections::BTreeSet, env, fs, path::Path};

use astarte_interface::{Code, Stage};
use run::{Run, diagnostics_folder, scratch};

/// The codes that files alone bring about; those of the macros have UI tests.
fn codes() -> impl Iterator<Item = Code> {
    let all = Code::ALL.iter().copied();
    all.filter(|code| code.stage() <= Stage::Lock)
}

fn stem(code: Code) -> String {
    code.as_str().replace("::", "--")
}

/// The arguments that bring a code about, in the folder of `diagnostics_folder`.
fn arguments(code: Code) -> Vec<String> {
    let stem = stem(code);
    let exists = |file: &String| diagnostics_folder().join(file).exists();
    let json = format!("{stem}.json");
    let arguments = match code {
        Code::FileUnreadable => vec!["check".to_owned(), "missing.json".to_owned()],
        Code::JsonTooLarge => {
            let large = scratch("json--too-large").join("large.json");
            fs::write(&large, " ".repeat(4 * 1024 * 1024 + 1)).unwrap();
            vec!["check".to_owned(), large.to_str().unwrap().to_owned()]
        }
        _ if code.stage() == Stage::Compat => vec![
            "diff".to_owned(),
            format!("{stem}.old.json"),
            format!("{stem}.new.json"),
        ],
        _ if code.stage() == Stage::Lock => {
            let lock = format!("{stem}.lock");
            vec!["check".to_owned(), json, "--lock".to_owned(), lock]
        }
        _ => vec!["check".to_owned(), json],
    };
    let other = Some(format!("{stem}.other.json")).filter(exists);
    arguments.into_iter().chain(other).collect()
}

#[test]
fn every_code_is_shown_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/codes");
    let bless = env::var_os("ASTARTE_BLESS").is_some();
    let mut differing = Vec::new();
    for code in codes() {
        let arguments = arguments(code);
        let text = Run::in_folder(diagnostics_folder(), &arguments);
        assert!(text.stdout.contains(&format!("[{code}]")), "{text}");
        let json = Run::in_folder(
            diagnostics_folder(),
            arguments.iter().chain(&JSON.map(String::from)),
        );
        assert_eq!(json.status, text.status, "{json}");
        let shown = format!("{text}\n{json}");
        let file = folder.join(stem(code) + ".txt");
        if bless {
            fs::write(file, shown).unwrap();
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&shown) {
            differing.push(shown);
        }
    }
    assert!(
        differing.is_empty(),
        "bless with ASTARTE_BLESS=1:\n{}",
        differing.join("\n")
    );
}

const JSON: [&str; 2] = ["--format", "json"];

#[test]
fn the_files_are_those_of_the_codes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/codes");
    let files = fs::read_dir(folder).unwrap();
    let files: BTreeSet<_> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let codes: BTreeSet<_> = codes().map(|code| stem(code) + ".txt").collect();
    assert_eq!(files, codes);
}

#[test]
fn no_snapshot_has_a_path_of_this_machine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/codes");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
        assert!(!text.contains("/tmp"), "{text}");
    }
}

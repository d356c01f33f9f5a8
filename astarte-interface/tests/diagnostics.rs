//! The text of every diagnostic, against files that a person has read.
//!
//! `tests/diagnostics/` has, for each code, documents that break its rule and the text that comes of
//! them. `ASTARTE_BLESS=1` writes the texts anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use astarte_interface::{Code, Compatibility, Diagnostics, Interface, Lock, Source, Stage, Style};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// The codes that a JSON file alone brings about; those of the compiler have UI tests.
fn codes() -> impl Iterator<Item = Code> {
    let stages = [
        Stage::Json,
        Stage::Schema,
        Stage::Rules,
        Stage::Lint,
        Stage::Compat,
        Stage::Lock,
    ];
    Code::ALL
        .iter()
        .copied()
        .filter(move |code| stages.contains(&code.stage()))
}

fn stem(code: Code) -> String {
    code.as_str().replace("::", "--")
}

fn read(name: &str) -> Source {
    let text = fs::read_to_string(folder().join(name));
    Source::new(name, text.unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn found(source: &Source) -> Diagnostics {
    match Interface::parse(source) {
        Ok(checked) => checked.warnings,
        Err(found) => found,
    }
}

fn valid(name: &str) -> Interface {
    match Interface::parse(&read(name)) {
        Ok(checked) => checked.interface,
        Err(found) => panic!("{found}"),
    }
}

fn provoke(code: Code) -> Diagnostics {
    let stem = stem(code);
    match code.stage() {
        Stage::Compat => {
            let (old, new) = (
                valid(&format!("{stem}.old.json")),
                valid(&format!("{stem}.new.json")),
            );
            Compatibility::check(&old, &new).into_diagnostics()
        }
        Stage::Lock => match Lock::parse(&read(&format!("{stem}.lock"))) {
            Ok(lock) => {
                let mut interfaces = vec![valid(&format!("{stem}.json"))];
                if code == Code::LockDuplicate {
                    interfaces.push(valid(&format!("{stem}.other.json")));
                }
                lock.check(&interfaces)
            }
            Err(found) => found,
        },
        _ if code == Code::JsonTooLarge => {
            found(&Source::new("large.json", " ".repeat(4 * 1024 * 1024 + 1)))
        }
        _ => found(&read(&format!("{stem}.json"))),
    }
}

#[test]
fn texts() {
    let bless = env::var_os("ASTARTE_BLESS").is_some();
    let mut wrong = Vec::new();
    for code in codes() {
        let found = provoke(code);
        assert!(
            found.iter().any(|found| found.code() == code),
            "{code}: {found}"
        );
        let text = found.render(Style::Plain) + "\n";
        let path = folder().join(stem(code) + ".txt");
        if bless {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            wrong.push(format!("--- {code}\n{text}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "bless with ASTARTE_BLESS=1:\n{}",
        wrong.concat()
    );
}

#[test]
fn files_are_those_of_the_codes() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.split('.').next().unwrap().to_owned()
    });
    let files: BTreeSet<_> = files.collect();
    let codes: BTreeSet<_> = codes().map(stem).collect();
    assert_eq!(files, codes);
}

#[test]
fn display_and_colour_say_the_same() {
    for code in codes() {
        let found = provoke(code);
        let ansi = found.render(Style::Ansi);
        let mut plain = String::new();
        for part in ansi.split('\u{1b}') {
            plain += part
                .strip_prefix('[')
                .and_then(|part| part.split_once('m'))
                .map_or(part, |(_, rest)| rest);
        }
        assert_eq!(plain, found.render(Style::Plain));
        assert_eq!(found.to_string(), plain.replace("error: ", ""));
    }
}

//! Interfaces of public projects, where the folder with them exists: all are installed in realms.

use std::fs;
use std::path::PathBuf;

use astarte_interface::{Code, Compatibility, Diagnostic, Interface, Lock, Source};

fn corpus() -> Vec<Interface> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !folder.is_dir() {
        eprintln!("note: no corpus, nothing is checked");
        return Vec::new();
    }
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        match Interface::parse(&Source::new(name, fs::read_to_string(path).unwrap())) {
            Ok(checked) => {
                // Nobody wrote these keys and values by mistake.
                let slips = [Code::InterfaceUnknownKey, Code::MappingUnknownKey];
                let found = checked.warnings;
                assert!(
                    found.iter().all(|found| !slips.contains(&found.code())),
                    "{found}"
                );
                checked.interface
            }
            Err(found) => panic!("{found}"),
        }
    };
    paths.iter().map(read).collect()
}

#[test]
fn every_interface_is_accepted_and_replaces_itself_but_for_its_version() {
    for interface in corpus() {
        let found = Compatibility::check(&interface, &interface);
        let codes: Vec<_> = found.diagnostics().iter().map(Diagnostic::code).collect();
        assert_eq!(codes, [Code::CompatMinorNotIncreased]);
    }
}

#[test]
fn every_interface_survives_a_lock_file() {
    for interface in corpus() {
        let text = Lock::new([&interface]).to_string();
        let lock = Lock::parse(&Source::new("a.lock", text.clone())).unwrap();
        assert_eq!(lock.to_string(), text);
        assert!(lock.check([&interface]).is_empty());
    }
}

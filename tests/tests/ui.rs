//! What rustc says to mistakes. Bless with `TRYBUILD=overwrite`, then read what changed.

use std::{fs, path::Path};

#[test]
fn mistakes_are_explained() {
    bring_interfaces();
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}

/// trybuild compiles the cases in a package of its own, whose folder the paths in them count from.
fn bring_interfaces() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/interfaces");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("it is in the target folder");
    let there = target
        .join("tests/trybuild")
        .join(env!("CARGO_PKG_NAME"))
        .join("ui/interfaces");
    fs::create_dir_all(&there).expect("the target folder can be written");
    for entry in fs::read_dir(here).expect("the folder exists") {
        let entry = entry.expect("it can be read");
        fs::copy(entry.path(), there.join(entry.file_name())).expect("files can be copied");
    }
}

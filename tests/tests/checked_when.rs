//! The table of `docs/checked-when.md` is true: each row says when, and what shows it is there.

use std::{fs, path::Path};

/// The last two cells of each row.
fn rows() -> Vec<(&'static str, &'static str)> {
    let page = include_str!("../../docs/checked-when.md");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").collect::<Vec<_>>());
    cells
        .filter_map(|cells| match cells[..] {
            [.., "when", _] => None,
            [.., when, shown] => Some((when.trim(), shown.trim())),
            _ => None,
        })
        .collect()
}

#[test]
fn each_row_has_a_time() {
    let rows = rows();
    assert!(rows.len() > 70, "{} rows", rows.len());
    for (when, shown) in rows {
        for time in when.split(", ") {
            let known = ["compile", "start", "run"].contains(&time);
            assert!(known, "{time} is no time: {shown}");
        }
    }
}

#[test]
fn what_shows_a_row_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (when, shown) in rows() {
        for evidence in shown.split(", ") {
            let evidence = evidence.trim_matches('`');
            let (file, test) = evidence
                .split_once("::")
                .map_or((evidence, None), |(file, test)| (file, Some(test)));
            let text = fs::read_to_string(root.join(file));
            let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
            match test {
                Some(test) => assert!(text.contains(&format!("fn {test}(")), "{evidence}"),
                None => {
                    let said = root.join(file).with_extension("stderr");
                    assert!(said.is_file(), "{file} compiles");
                    assert!(when.contains("compile"), "{file} shows an error of rustc's");
                }
            }
        }
    }
}

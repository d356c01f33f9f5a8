//! Verdicts of the server's code, for tests, where they are at hand.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Returns the rows of a file of verdicts, and none where the folder is absent.
pub(crate) fn rows(file: &str) -> Vec<Value> {
    let text = read(file).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns a JSON file that belongs to verdicts, and none where the folder is absent.
pub(crate) fn document(file: &str) -> Option<Value> {
    read(file).map(|text| serde_json::from_str(&text).unwrap())
}

fn read(file: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let text = fs::read_to_string(folder.join(file)).ok();
    if text.is_none() {
        eprintln!(
            "no `{file}` in {}: nothing to compare with",
            folder.display()
        );
    }
    text
}

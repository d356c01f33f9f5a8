//! Verdicts of the server's code, for tests, where they are at hand.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Returns the rows of a file of verdicts, and none where the folder is absent.
pub(crate) fn rows(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let Ok(text) = fs::read_to_string(folder.join(file)) else {
        eprintln!(
            "no `{file}` in {}: nothing to compare with",
            folder.display()
        );
        return Vec::new();
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

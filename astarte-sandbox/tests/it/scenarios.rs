//! The table of scenarios.

use std::collections::BTreeSet;

const TABLE: &str = include_str!("../scenarios.md");

/// The files of these tests.
const FILES: [(&str, &str); 6] = [
    ("broker", include_str!("broker.rs")),
    ("data", include_str!("data.rs")),
    ("introspection", include_str!("introspection.rs")),
    ("pairing", include_str!("pairing.rs")),
    ("properties", include_str!("properties.rs")),
    ("server_data", include_str!("server_data.rs")),
];

#[test]
fn every_scenario_has_a_test() {
    let rows = TABLE.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut numbers = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, number, _, test, _] = cells[..] else {
            panic!("{row}")
        };
        assert!(numbers.insert(number), "{row}");
        let (file, name) = test.trim_matches('`').split_once("::").unwrap();
        let (_, text) = FILES.iter().find(|(known, _)| *known == file).unwrap();
        let head = format!("#[tokio::test]\nasync fn {name}() {{");
        assert!(text.contains(&head), "there is no test {test}");
    }
    let expected = (1..=96).map(|number| number.to_string());
    let missing: Vec<String> = expected
        .chain(["27a".to_owned()])
        .filter(|number| !numbers.contains(number.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

//! No text makes the checks panic, and no diagnostic points outside of its text.

use std::fs;
use std::path::Path;

use astarte_interface::{
    Compatibility, Diagnostics, Interface, Introspection, Lock, Source, Style,
};

/// A generator of the linear congruential kind: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// The documents of the other tests.
fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let texts = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|it| it != "txt"));
    texts
        .map(|path| fs::read_to_string(path).unwrap())
        .filter(|text| text.len() < 20_000)
        .collect()
}

fn mutate(text: &str, random: &mut Random) -> String {
    const PIECES: [&str; 24] = [
        "",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "\\",
        "\\ud800",
        "null",
        "true",
        "-1",
        "1e9",
        "0",
        "é",
        "漢",
        "\u{0}",
        "\t",
        "\r\n",
        "%{a}",
        "/",
        "\u{202e}",
        "18446744073709551616",
    ];
    let mut text = text.to_owned();
    if random.below(2) == 0 {
        // A letter for a letter: still JSON, and often still an interface.
        let letters: Vec<_> = text
            .match_indices(|c: char| c.is_ascii_alphabetic())
            .collect();
        if let Some((at, _)) = letters.get(random.below(letters.len())) {
            let letter = char::from(b'a' + u8::try_from(random.below(26)).unwrap());
            text.replace_range(*at..*at + 1, &letter.to_string());
        }
        return text;
    }
    for _ in 0..=random.below(3) {
        let start = text.floor_char_boundary(random.below(text.len() + 1));
        let end = text.ceil_char_boundary((start + random.below(12)).min(text.len()));
        text.replace_range(start..end, PIECES[random.below(PIECES.len())]);
    }
    text
}

fn check(found: &Diagnostics) {
    for diagnostic in found {
        for label in diagnostic.labels() {
            let text = label.source.text();
            assert!(label.span.start <= label.span.end && label.span.end <= text.len());
            assert!(
                text.is_char_boundary(label.span.start) && text.is_char_boundary(label.span.end)
            );
        }
    }
    for line in found.render(Style::Plain).lines() {
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
}

#[test]
fn mutated_texts() {
    let seeds = seeds();
    let mut random = Random(7);
    let mut accepted = 0;
    let mut last = None;
    for round in 0..6_000 {
        let text = mutate(&seeds[round % seeds.len()], &mut random);
        let source = Source::new("a.json", text);
        match Interface::parse(&source) {
            Ok(checked) => {
                accepted += 1;
                check(&checked.warnings);
                check_model(&checked.interface);
                if let Some(last) = last.replace(checked.interface.clone()) {
                    check(Compatibility::check(&last, &checked.interface).diagnostics());
                }
            }
            Err(found) => {
                assert!(found.has_errors());
                check(&found);
            }
        }
        match Lock::parse(&source) {
            Ok(lock) => check(&lock.check(&last)),
            Err(found) => check(&found),
        }
        drop(Introspection::parse(source.text()));
    }
    assert!(accepted > 300, "{accepted} mutations were still interfaces");
}

/// An interface that was accepted resolves what its own endpoints make, and locks itself.
fn check_model(interface: &Interface) {
    for mapping in interface.mappings() {
        let mut path = mapping.endpoint().to_string();
        if mapping.key().is_some() {
            path.truncate(path.rfind('/').unwrap().max(1));
        }
        let resolved = interface.resolve(&path).unwrap();
        assert!(
            resolved
                .mappings()
                .any(|found| found.endpoint() == mapping.endpoint())
        );
    }
    let lock = Lock::new([interface]).to_string();
    let lock = Lock::parse(&Source::new("a.lock", lock)).unwrap();
    assert!(lock.check([interface]).is_empty());
}

#[test]
fn awkward_texts() {
    let deep = format!("{}{}", "[".repeat(2_000_000), "]".repeat(2_000_000));
    let deep_value = format!("{{\"mappings\":{deep}}}");
    let keys: Vec<_> = (0..200_000).map(|i| format!("\"{i}\":{i}")).collect();
    let long = format!("{{\"{}\":0}}", "k".repeat(3_000_000));
    for text in [
        String::new(),
        " ".into(),
        "\u{feff}{}".into(),
        "null".into(),
        "{}".into(),
        "[".repeat(4_000_000),
        deep,
        deep_value,
        format!("{{{}}}", keys.join(",")),
        long,
        "\"\\ud800\"".into(),
        "{\"\\ud800\":1}".into(),
        "{\"interface_name\":\"\\ud800\"}".into(),
    ] {
        let found = Interface::parse(&Source::new("a.json", text)).unwrap_err();
        check(&found);
    }
}

//! Reading and checking documents, and finding the mapping of a path.

use std::{fs, path::Path};

use astarte_benches::Group;
use astarte_interface::{Interface, Source};

fn main() {
    documents();
    paths();
}

/// All documents of a folder, against the reading of the same texts without spans, rules or a model.
fn documents() {
    let (folder, texts) = texts();
    let sources: Vec<Source> = texts
        .iter()
        .map(|(name, text)| Source::new(name, text))
        .collect();
    let bytes = texts.iter().map(|(_, text)| text.len()).sum();
    let accepted = sources
        .iter()
        .filter(|source| Interface::parse(source).is_ok())
        .count();
    println!(
        "{} documents of {folder}, {bytes} bytes, {accepted} accepted",
        texts.len()
    );
    Group::new("all documents")
        .case_of(bytes, "`serde_json::Value` alone", || {
            let values = texts.iter().map(|(_, text)| serde_json::from_str(text));
            values
                .filter_map(Result::<serde_json::Value, _>::ok)
                .count()
        })
        .case_of(bytes, "parsed and checked", || {
            sources
                .iter()
                .filter(|source| Interface::parse(source).is_ok())
                .count()
        })
        .run();
}

/// The interfaces of public projects where they are, else those of the examples.
fn texts() -> (&'static str, Vec<(String, String)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("../../shared/corpus");
    let (name, folder) = match corpus.is_dir() {
        true => ("the corpus", corpus),
        false => ("`interfaces/`", root.join("../interfaces")),
    };
    let entries = fs::read_dir(folder).expect("the folder exists");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let json = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let read = |path: &Path| fs::read_to_string(path).expect("interfaces are text");
    let texts = json.map(|path| (path.display().to_string(), read(&path)));
    (name, texts.collect())
}

fn paths() {
    let interfaces = SIZES.map(|size| (size, interface(size)));
    let group = |name, path: fn(usize) -> String| {
        let start = Group::new(name);
        let group = interfaces.iter().fold(start, |group, (size, interface)| {
            let path = path(size / 2);
            group.case(format!("of {size}"), move || {
                interface.resolve(&path).is_ok()
            })
        });
        group.run();
    };
    group("a path of a mapping, in an interface", |index| {
        format!("/kitchen/sensor{index}/value")
    });
    group("the beginning of a path, in an interface", |index| {
        format!("/kitchen/sensor{index}")
    });
    // What was meant is looked for among all mappings.
    group("a path of no mapping, in an interface", |index| {
        format!("/kitchen/sensor{index}/valeu")
    });
}

fn interface(mappings: usize) -> Interface {
    let mappings: Vec<String> = (0..mappings)
        .map(|index| format!(r#"{{"endpoint":"/%{{room}}/sensor{index}/value","type":"double"}}"#))
        .collect();
    let text = format!(
        r#"{{"interface_name":"org.example.Bench","version_major":1,"version_minor":0,
            "type":"datastream","ownership":"device","mappings":[{}]}}"#,
        mappings.join(",")
    );
    let checked = Interface::parse(&Source::new("bench.json", text));
    checked.unwrap_or_else(|found| panic!("{found}")).interface
}

const SIZES: [usize; 4] = [1, 10, 100, 1000];

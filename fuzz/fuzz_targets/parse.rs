//! Any text, as an interface and as a lock file: a verdict, and diagnostics that point into the text.

#![no_main]

use std::sync::OnceLock;

use astarte_interface::{
    Compatibility, Diagnostics, Interface, Introspection, Lock, Source, Style,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source::new("a.json", text);
    match Interface::parse(&source) {
        Ok(checked) => {
            assert!(!checked.warnings.has_errors());
            check(&checked.warnings);
            check_model(&checked.interface);
        }
        Err(found) => {
            assert!(found.has_errors(), "a document is refused without an error");
            check(&found);
        }
    }
    match Lock::parse(&source) {
        Ok(lock) => {
            check(&lock.check([reference()]));
            let written = Source::new("b.lock", lock.to_string());
            let read = Lock::parse(&written).expect("what is written can be read");
            assert_eq!(read.to_string(), written.text());
        }
        Err(found) => check(&found),
    }
    let _ = Introspection::parse(text);
});

fn check(found: &Diagnostics) {
    for label in found.iter().flat_map(|diagnostic| diagnostic.labels()) {
        let text = label.source.text();
        assert!(
            text.get(label.span.start..label.span.end).is_some(),
            "{:?}",
            label.span
        );
        let (start, end) = (
            label.source.position(label.span.start),
            label.source.position(label.span.end),
        );
        assert!(start <= end);
    }
    for line in found.render(Style::Plain).lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    let _ = found.render(Style::Ansi);
}

/// An interface that was accepted resolves its own endpoints, survives a lock file, and may follow what it followed.
fn check_model(interface: &Interface) {
    for mapping in interface.mappings() {
        let mut path = mapping.endpoint().to_string();
        if mapping.key().is_some() {
            path.truncate(path.rfind('/').map_or(0, |at| at.max(1)));
        }
        let resolved = interface
            .resolve(&path)
            .expect("an endpoint is a path of itself");
        assert!(
            resolved
                .mappings()
                .any(|found| found.endpoint() == mapping.endpoint())
        );
    }
    let lock = Source::new("a.lock", Lock::new([interface]).to_string());
    let lock = Lock::parse(&lock).expect("what is written can be read");
    assert!(lock.check([interface]).is_empty());
    check(Compatibility::check(reference(), interface).diagnostics());
    check(Compatibility::check(interface, interface).diagnostics());
}

fn reference() -> &'static Interface {
    static REFERENCE: OnceLock<Interface> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let text = include_str!("../seeds/parse/datastream.json");
        let checked = Interface::parse(&Source::new("reference.json", text));
        checked.expect("the seed is an interface").interface
    })
}

//! Endpoints and a path, a line each: resolution agrees with a comparison of the path with every endpoint.

#![no_main]

use std::fmt::Write as _;

use astarte_interface::{Interface, Level, Mapping, ResolveError, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (path, endpoints) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(checked) = Interface::parse(&Source::new("a.json", document(endpoints))) else {
        return;
    };
    let interface = checked.interface;
    let matching: Vec<Mapping<'_>> = interface
        .mappings()
        .filter(|it| matches(*it, path))
        .collect();
    match interface.resolve(path) {
        Ok(resolved) => {
            assert_eq!(resolved.mappings().count(), matching.len(), "{path:?}");
            for (found, expected) in resolved.mappings().zip(&matching) {
                assert_eq!(found.endpoint(), expected.endpoint());
            }
            let filled = fill(resolved.levels(), &resolved.parameters);
            assert_eq!(filled, path.trim_end_matches('/').to_owned() + root(path));
        }
        Err(error) => {
            let _ = interface.similar(path);
            assert!(
                matching.is_empty() || matches!(error, ResolveError::InvalidPath { .. }),
                "{error}"
            );
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }
});

/// An interface with these endpoints. A first line `object` makes it one.
fn document(endpoints: &str) -> String {
    let (aggregation, endpoints) = match endpoints.strip_prefix("object\n") {
        Some(endpoints) => ("object", endpoints),
        None => ("individual", endpoints),
    };
    let mut mappings = String::new();
    for endpoint in endpoints.lines() {
        let separator = if mappings.is_empty() { "" } else { "," };
        // `Debug` escapes more than JSON reads, but nothing that an endpoint may have.
        let _ = write!(
            mappings,
            r#"{separator}{{"endpoint":{endpoint:?},"type":"double"}}"#
        );
    }
    format!(
        r#"{{"interface_name":"org.example.Fuzz","version_major":1,"version_minor":0,"type":"datastream",
            "ownership":"device","aggregation":"{aggregation}","mappings":[{mappings}]}}"#
    )
}

/// Whether a path is one of a mapping, said in the simplest way.
fn matches(mapping: Mapping<'_>, path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let levels: Vec<&str> = match path {
        "" => Vec::new(),
        path => path.split('/').collect(),
    };
    let mut pattern = mapping.endpoint().levels();
    if mapping.key().is_some() {
        pattern = &pattern[..pattern.len() - 1];
    }
    let fits = |(level, text): (&Level, &&str)| match level {
        Level::Literal(literal) => literal == text,
        Level::Parameter(_) => !text.is_empty(),
    };
    pattern.len() == levels.len() && pattern.iter().zip(&levels).all(fits)
}

fn fill(levels: &[Level], parameters: &[(&str, &str)]) -> String {
    let mut values = parameters.iter().map(|(_, value)| *value);
    let filled: String = levels
        .iter()
        .map(|level| match level {
            Level::Literal(literal) => format!("/{literal}"),
            Level::Parameter(_) => {
                format!("/{}", values.next().expect("each parameter has a value"))
            }
        })
        .collect();
    assert!(values.next().is_none());
    if levels.is_empty() {
        "/".to_owned()
    } else {
        filled
    }
}

/// The slash of the path of an object at the root.
fn root(path: &str) -> &'static str {
    if path == "/" { "/" } else { "" }
}

//! Resolution of paths through the public API.

use astarte_interface::{Interface, Mapping, PathError, ResolveError, Source};

fn interface(head: &str, endpoints: &[&str]) -> Interface {
    let mappings: Vec<_> = endpoints
        .iter()
        .map(|endpoint| format!(r#"{{ "endpoint": "{endpoint}", "type": "double" }}"#))
        .collect();
    let text = format!(
        r#"{{ "interface_name": "org.example.Paths", "version_major": 1, "version_minor": 0,
             "type": "datastream", "ownership": "device", {head} "mappings": [{}] }}"#,
        mappings.join(",")
    );
    Interface::parse(&Source::new("a.json", text))
        .unwrap()
        .interface
}

fn individual() -> Interface {
    interface(
        "",
        &[
            "/%{room}/temperature",
            "/device/uptime",
            "/%{room}/fan/%{fan}/speed",
        ],
    )
}

fn object() -> Interface {
    interface(
        r#""aggregation": "object","#,
        &["/%{room}/climate/a", "/%{room}/climate/b"],
    )
}

#[test]
fn individual_paths() {
    let interface = individual();
    let resolved = interface.resolve("/kitchen/fan/2/speed").unwrap();
    assert_eq!(resolved.parameters, [("room", "kitchen"), ("fan", "2")]);
    assert_eq!(
        resolved.mapping().unwrap().endpoint().as_str(),
        "/%{room}/fan/%{fan}/speed"
    );
    assert!(resolved.object().is_none());
    assert_eq!(resolved.mappings().count(), 1);
    let resolved = interface.resolve("/device/temperature").unwrap();
    assert_eq!(resolved.parameters, [("room", "device")]);
    assert!(
        interface
            .resolve("/device/uptime")
            .unwrap()
            .parameters
            .is_empty()
    );
}

#[test]
fn parameters_are_any_text_without_slashes() {
    let interface = individual();
    for value in [
        "0",
        "é",
        "00:11:22:33:44:55",
        "::1",
        "%{room}",
        "a b",
        "\u{1}",
    ] {
        let path = format!("/{value}/temperature");
        assert_eq!(
            interface.resolve(&path).unwrap().parameters,
            [("room", value)]
        );
    }
}

#[test]
fn object_paths_end_before_the_key() {
    let interface = object();
    let resolved = interface.resolve("/kitchen/climate").unwrap();
    assert!(resolved.mapping().is_none());
    assert_eq!(resolved.object().unwrap().prefix().len(), 2);
    let keys: Vec<_> = resolved.mappings().filter_map(Mapping::key).collect();
    assert_eq!(keys, ["a", "b"]);
    let name = |path| interface.resolve(path).unwrap_err().error_name();
    assert_eq!(name("/kitchen/climate/a"), "mapping_not_found");
    assert_eq!(name("/kitchen"), "mapping_not_found");
    assert_eq!(name("/"), "mapping_not_found");
}

#[test]
fn objects_of_one_level_have_the_path_of_the_root() {
    let interface = interface(r#""aggregation": "object","#, &["/a", "/b"]);
    assert_eq!(interface.resolve("/").unwrap().mappings().count(), 2);
    assert_eq!(
        interface.resolve("/a").unwrap_err().error_name(),
        "mapping_not_found"
    );
}

#[test]
fn incomplete_paths_say_how_they_go_on() {
    let interface = individual();
    for path in ["/", "/kitchen", "/device", "/kitchen/fan", "/kitchen/fan/1"] {
        let error = interface.resolve(path).unwrap_err();
        assert_eq!(error.error_name(), "ambiguous_path", "{path}");
    }
    assert_eq!(
        interface.resolve("/kitchen/fan").unwrap_err().to_string(),
        "path `/kitchen/fan` is incomplete: `org.example.Paths` goes on with `/%{room}/fan/%{fan}/speed`"
    );
}

#[test]
fn unknown_paths_have_a_suggestion() {
    let error = individual().resolve("/kitchen/temperatur").unwrap_err();
    assert_eq!(
        error.to_string(),
        "interface `org.example.Paths` has no mapping for the path `/kitchen/temperatur`"
    );
    for (path, expected) in [
        ("/kitchen/temperatur", Some("/%{room}/temperature")),
        ("kitchen/temperature", Some("/%{room}/temperature")),
        ("/x/y/z/t/u/v", None),
        ("", None),
    ] {
        let similar = individual().similar(path);
        assert_eq!(similar.as_deref(), expected, "{path}");
    }
    let similar = object().similar("/kitchen/climate/a");
    assert_eq!(similar.as_deref(), Some("/%{room}/climate"));
}

#[test]
fn invalid_paths() {
    let interface = individual();
    for (path, expected) in [
        ("", PathError::NoLeadingSlash),
        ("kitchen/temperature", PathError::NoLeadingSlash),
        ("//temperature", PathError::EmptyLevel),
        ("/kitchen/temperature/", PathError::EmptyLevel),
        ("/kitchen//temperature", PathError::EmptyLevel),
        ("/+/temperature", PathError::Character('+')),
        ("/a#/temperature", PathError::Character('#')),
        ("/a\0/temperature", PathError::Character('\0')),
    ] {
        match interface.resolve(path) {
            Err(ResolveError::InvalidPath { reason, .. }) => assert_eq!(reason, expected, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

/// Every path that an endpoint makes is found again, in an interface as large as they get.
#[test]
fn a_thousand_endpoints() {
    let endpoints: Vec<_> = (0..1024)
        .map(|i| format!("/%{{p}}/g{}/m{i}/%{{q}}", i % 32))
        .collect();
    let texts: Vec<_> = endpoints.iter().map(String::as_str).collect();
    let interface = interface("", &texts);
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = endpoint
            .replace("%{p}", "x")
            .replace("%{q}", &index.to_string());
        let resolved = interface.resolve(&path).unwrap();
        assert_eq!(resolved.mapping().unwrap().endpoint().as_str(), endpoint);
        assert_eq!(resolved.parameters[1].1, index.to_string());
    }
}

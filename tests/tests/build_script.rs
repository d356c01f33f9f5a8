//! What the settings of a build script do, and what it says to mistakes.

use std::{fs, path::Path};

use astarte_build::{Config, Error};

fn all() -> Config {
    Config::new().interfaces_dir("../interfaces")
}

fn refused(config: &Config) -> String {
    match config.generate() {
        Ok(_) => panic!("the settings are wrong"),
        Err(error) => error.to_string(),
    }
}

fn generated(config: &Config) -> String {
    config.generate().unwrap_or_else(|error| panic!("{error}"))
}

/// A folder with one file of this text.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("file.json"), text).expect("the file can be written");
    folder
}

#[test]
fn one_enum_joins_all_that_the_server_sends() {
    let code = generated(&all());
    for variant in [
        "Commands(commands::Event),",
        "Settings(settings::Event),",
        "Route(route::Received<Route>),",
    ] {
        assert!(code.contains(variant), "{variant}");
    }
    for handle in [
        "pub readings: ::astarte_runtime::Handle<Readings>,",
        "pub settings: ::astarte_runtime::PropertyCache<Settings>,",
        "pub incoming: ::astarte_runtime::EventReceiver<Incoming>,",
    ] {
        assert!(code.contains(handle), "{handle}");
    }
    assert!(!code.contains("pub commands: ::astarte_runtime"));
}

#[test]
fn patterns_choose_interfaces() {
    let code = generated(
        &all()
            .include("org.example.thermostat.*")
            .exclude("*.Commands"),
    );
    assert!(code.contains("pub struct Readings;"));
    assert!(!code.contains("pub struct Position"));
    assert!(!code.contains("pub struct Commands;"));
}

#[test]
fn settings_change_the_code() {
    let code = generated(
        &all()
            .registration(false)
            .runtime_path("crate::runtime")
            .param("org.example.thermostat.*", "room", "crate::RoomId")
            .rename("*.Readings", "/%{room}/temperature", "RoomTemperature")
            .type_name("*.Status", "ThermostatStatus")
            .type_attribute("*.Position", "#[derive(PartialOrd)]")
            .extern_interface("*.Settings", "::other::Settings")
            .partial("*.Position"),
    );
    for expected in [
        "crate::runtime::__abi!(2);",
        "pub room: crate::RoomId,",
        "pub struct RoomTemperature {",
        "pub struct ThermostatStatus;",
        "pub mod thermostat_status {",
        "#[derive(PartialOrd)]",
        "Settings(<::other::Settings as crate::runtime::Events>::Event),",
        "pub latitude: ::core::option::Option<f64>,",
    ] {
        assert!(code.contains(expected), "{expected}");
    }
    for unexpected in [
        "::astarte_runtime",
        "pub struct Settings;",
        "pub struct Handles",
    ] {
        assert!(!code.contains(unexpected), "{unexpected}");
    }
}

#[test]
fn types_can_have_the_whole_name() {
    let code = generated(&all().full_names(true));
    assert!(code.contains("pub struct OrgExampleThermostatReadings;"));
    assert!(code.contains("pub mod org_example_thermostat_readings {"));
}

#[test]
fn settings_that_match_nothing_are_errors() {
    for (config, expected) in [
        (
            all().partial("org.example.vehicle.Positon"),
            "`.partial(\"org.example.vehicle.Positon\")`: no interface has a name that matches\n\
             help: an interface with a similar name exists: `org.example.vehicle.Position`",
        ),
        (
            all().param("org.example.thermostat.*", "rom", "u8"),
            "`.param(\"org.example.thermostat.*\", \"rom\", \"u8\")`: no interface that matches has such a parameter\n\
             help: a parameter with a similar name exists: `room`",
        ),
        (
            all().rename("*.Readings", "/%{room}/temperatur", "T"),
            "`.rename(\"*.Readings\", \"/%{room}/temperatur\", \"T\")`: no interface that matches has such a mapping\n\
             help: a mapping with a similar name exists: `/%{room}/temperature`",
        ),
        (
            all().exclude("com.*"),
            "`.exclude(\"com.*\")`: no interface has a name that matches",
        ),
    ] {
        assert_eq!(refused(&config), expected);
    }
}

#[test]
fn all_settings_that_are_no_rust_are_reported() {
    let text = refused(
        &all()
            .param("*", "room", "crate::")
            .type_name("*.Status", "not a name")
            .type_attribute("*", "derive(Debug)")
            .runtime_path("1"),
    );
    for setting in [
        "`.param(\"*\", \"room\", \"crate::\")`: this is not the Rust it should be: ",
        "`.type_name(\"*.Status\", \"not a name\")`: this is not the Rust it should be: ",
        "`.type_attribute(\"*\", \"derive(Debug)\")`: this is not the Rust it should be: ",
        "`.runtime_path(\"1\")`: this is not a path: ",
    ] {
        assert!(text.contains(setting), "{text}");
    }
}

#[test]
fn names_that_collide_are_explained() {
    let text = refused(&all().type_name("*.Status", "Readings"));
    assert!(text.starts_with(
        "the interfaces `org.example.thermostat.Readings` and `org.example.thermostat.Status` both become `Readings` in \
         Rust [names::collision]\n\
         help: give one of them another name: `.type_name(\"org.example.thermostat.Status\", \
         \"OrgExampleThermostatStatus\")`"
    ), "{text}");

    let twice = all().interface("../interfaces/org.example.thermostat.Status.json");
    let text = refused(&twice);
    assert!(
        text.starts_with(
            "the interface `org.example.thermostat.Status` is there twice [names::collision]"
        ),
        "{text}"
    );
}

#[test]
fn errors_of_all_files_are_reported() {
    let folder = folder("{");
    let config = Config::new()
        .interfaces_dir(folder.path())
        .interface("ui/interfaces/org.example.Overlap.json");
    let text = refused(&config);
    assert!(text.contains("[json::syntax]"), "{text}");
    assert!(text.contains("--> file.json:1:"), "{text}");
    assert!(text.contains("[mapping::overlap]"), "{text}");
    // A file that is left out may be anything.
    let config = config.exclude("file").exclude("*.Overlap");
    assert!(refused(&config).starts_with("there is no interface to compile: "));
}

#[test]
fn files_that_are_not_there_are_named() {
    let text = refused(&Config::new().interfaces_dir("nowhere"));
    assert!(
        text.starts_with("cannot read the folder `nowhere"),
        "{text}"
    );
    let error = Config::new()
        .interface("nowhere.json")
        .generate()
        .expect_err("no such file");
    assert!(matches!(error, Error::Io { .. }));
    assert!(format!("{error:?}").contains("nowhere.json"));
}

#[test]
fn output_is_written_when_it_differs() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("made").join(Config::FILE_NAME);
    let config = all().out_dir(file.parent().expect("it is in a folder"));
    let time = |file: &Path| {
        fs::metadata(file)
            .and_then(|it| it.modified())
            .expect("it exists")
    };
    config.compile().expect("the interfaces are valid");
    let first = time(&file);
    config.compile().expect("the interfaces are valid");
    assert_eq!(time(&file), first, "the file was written anew");

    fs::write(&file, "").expect("the file can be written");
    config.compile().expect("the interfaces are valid");
    assert_eq!(fs::read_to_string(&file).ok(), config.generate().ok());
}

#[test]
fn a_lock_holds_versions_to_what_they_were() {
    let level = r#"{ "endpoint": "/level", "type": "double" }"#;
    let changed = r#"{ "endpoint": "/level", "type": "integer" }"#;
    let removed = r#"{ "endpoint": "/other", "type": "double" }"#;
    let more = format!(r#"{level}, {{ "endpoint": "/more", "type": "double" }}"#);
    let text = |minor: u32, mappings: &str| {
        format!(
            r#"{{ "interface_name": "org.example.Level", "version_major": 1, "version_minor": {minor},
                 "type": "datastream", "ownership": "device", "mappings": [{mappings}] }}"#
        )
    };
    let folder = folder(&text(0, level));
    let file = folder.path().join("file.json");
    let write = |text: String| fs::write(&file, text).expect("the file can be written");
    let lock = folder.path().join("interfaces.lock");
    let config = Config::new()
        .interface(&file)
        .out_dir(folder.path())
        .lock(&lock);
    config.generate().expect("nothing is locked");
    assert!(!lock.exists(), "`generate` writes nothing");
    config.compile().expect("the first build locks");
    let locked = fs::read_to_string(&lock).expect("it was written");
    assert!(locked.contains("org.example.Level 1.0"), "{locked}");

    for (minor, mappings, code) in [
        (0, more.as_str(), "[lock::changed]"),
        (1, changed, "[lock::incompatible]"),
        (1, removed, "[lock::incompatible]"),
    ] {
        write(text(minor, mappings));
        let text = refused(&config);
        assert!(text.contains(code), "{text}");
    }
    write(text(1, &more));
    config
        .compile()
        .expect("a mapping may be added in a minor version");
    let kept = fs::read_to_string(&lock).expect("it is there");
    assert_eq!(kept, locked, "the lock is written on demand alone");

    fs::write(&lock, locked.replace("1.0", "one")).expect("the lock can be written");
    let text = refused(&config);
    assert!(text.contains("[lock::syntax]"), "{text}");
}

#[test]
fn no_path_of_this_machine_is_in_the_code() {
    let config = Config::new().interfaces_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden"));
    let code = generated(&config.exclude("*.AwkwardNames").registration(false));
    assert!(code.contains("golden/device_datastream.json:"));
    assert!(!code.contains(env!("CARGO_MANIFEST_DIR")));
}

//! What is generated for each kind of interface, and for each awkward case.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use astarte_build::Config;

#[test]
fn each_case_is_as_it_was() {
    let mut differing = Vec::new();
    for json in cases() {
        let expected_file = json.with_extension("rs");
        let name = stem(&json);
        let generated = config(&name)
            .generate()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if generated == expected {
            continue;
        }
        if env::var_os("ASTARTE_BLESS").is_some() {
            fs::write(&expected_file, generated).expect("the golden file can be written");
        } else {
            differing.push(name);
        }
    }
    assert!(
        differing.is_empty(),
        "{differing:?} differ: look at the change, and bless it with ASTARTE_BLESS=1"
    );
}

/// `golden_compiles` includes each by name.
#[test]
fn each_case_is_compiled() {
    let list = fs::read_to_string(root().join("tests/golden_compiles.rs")).expect("it exists");
    for json in cases() {
        let include = format!("include!(\"../golden/{}.rs\");", stem(&json));
        assert!(
            list.contains(&include),
            "golden_compiles.rs lacks `{include}`"
        );
    }
}

fn config(name: &str) -> Config {
    let config = Config::new().interface(format!("golden/{name}.json"));
    match name {
        "device_types" => config
            .runtime_path("crate::facade::runtime")
            .registration(false),
        "external" => config
            .extern_interface("*", "crate::server_object::Route")
            .registration(false),
        "parameter_types" => config
            .param("*", "room", "crate::RoomId")
            .registration(false),
        "partial" => config.partial("*").registration(false),
        "value_types" => config
            .value_type("*", "/%{room}/samplingPeriod", "crate::Seconds")
            .registration(false),
        "server_properties" | "device_datastream" => config,
        _ => config.registration(false),
    }
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("golden")).expect("the folder exists");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .expect("files have names")
        .to_string_lossy()
        .into_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

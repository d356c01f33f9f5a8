//! What each command writes, and the status it ends with.

use std::fs;

use astarte_build::Config;
use serde_json::{Value, json};

use crate::run::{Run, VALID, diagnostics_folder, interfaces_folder, scratch};

/// The objects that a command writes, a line each.
fn objects(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["chek"],
        &["check"],
        &["check", ".", "--format", "yaml"],
        &["check", ".", "--allow", "lint::nothing"],
        &["check", ".", "--colour"],
        &["diff", "a.json"],
        &["explain", "mapping::overlaps"],
        &["expand"],
        &["resolve", "a.json"],
    ] {
        let run = Run::in_folder(".", arguments);
        assert_eq!(run.status, 2, "{run}");
        assert_eq!(run.stdout, "", "{run}");
        assert!(run.stderr.starts_with("error: "), "{run}");
        assert!(run.stderr.contains("\n\nusage: astarte-build "), "{run}");
    }
}

#[test]
fn help_and_version_are_output() {
    let help = Run::in_folder(".", ["--help"]);
    assert_eq!((help.status, help.stderr.as_str()), (0, ""));
    assert!(
        help.stdout.contains("exit status: 0 no error; 1 errors"),
        "{help}"
    );
    let version = Run::in_folder(".", ["-V"]);
    assert_eq!(
        version.stdout,
        concat!("astarte-build ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn check_of_good_interfaces_is_quiet() {
    let run = Run::in_folder(interfaces_folder(), ["check", "."]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run}");
    assert!(run.stderr.starts_with("no errors in "), "{run}");
    let run = Run::in_folder(interfaces_folder(), ["check", ".", "--format=json"]);
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", "")
    );
}

#[test]
fn each_finding_is_an_object_with_these_keys() {
    let file = "lint--encrypted.json";
    let run = Run::in_folder(diagnostics_folder(), ["check", file, "--format", "json"]);
    let expected = json!({
        "code": "lint::encrypted",
        "severity": "warning",
        "message": "`encrypted` is experimental on the server: no code is generated for it",
        "file": file,
        "line": 15,
        "column": 7,
        "end_line": 15,
        "end_column": 24,
        "help": "leave it out until the server's key agreement is documented",
    });
    assert_eq!(objects(&run), [expected]);
    let all = fs::read_dir(diagnostics_folder()).unwrap();
    let json = all.map(|entry| entry.unwrap().path());
    let json: Vec<_> = json
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    let run = Run::in_folder(
        ".",
        [&["check".into(), "--format=json".into()], &json[..]].concat(),
    );
    let keys = [
        "code",
        "column",
        "end_column",
        "end_line",
        "file",
        "help",
        "line",
        "message",
        "severity",
    ];
    for object in objects(&run) {
        let object = object.as_object().unwrap();
        assert!(object.keys().eq(keys), "{object:?}");
    }
}

#[test]
fn a_warning_can_be_allowed_and_an_error_cannot() {
    let allowed = [
        "check",
        "lint--encrypted.json",
        "--allow",
        "lint::encrypted",
    ];
    let run = Run::in_folder(diagnostics_folder(), allowed);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run}");
    let refused = [
        "check",
        "mapping--overlap.json",
        "--allow",
        "mapping::overlap",
    ];
    let run = Run::in_folder(diagnostics_folder(), refused);
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stdout.contains("[mapping::overlap]"), "{run}");
}

#[test]
fn colour_is_not_for_files() {
    let run = Run::in_folder(diagnostics_folder(), ["check", "mapping--overlap.json"]);
    assert!(
        !run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'),
        "{run}"
    );
}

#[test]
fn a_lock_is_written_and_held() {
    let folder = scratch("lock");
    fs::write(folder.join("a.json"), VALID).unwrap();
    let lock = Run::in_folder(&folder, ["lock", "a.json"]);
    assert_eq!((lock.status, lock.stderr.as_str()), (0, ""), "{lock}");
    fs::write(folder.join("lock"), &lock.stdout).unwrap();
    let check = ["check", "a.json", "--lock", "lock"];

    let held = Run::in_folder(&folder, check);
    assert_eq!((held.status, held.stdout.as_str()), (0, ""), "{held}");
    fs::write(folder.join("a.json"), VALID.replace("double", "integer")).unwrap();
    let changed = Run::in_folder(&folder, check);
    assert_eq!(changed.status, 1, "{changed}");
    assert!(changed.stdout.contains("[lock::incompatible]"), "{changed}");
    let minor = VALID.replace("\"version_minor\": 0", "\"version_minor\": 1");
    fs::write(folder.join("a.json"), minor).unwrap();
    let outdated = Run::in_folder(&folder, check);
    assert_eq!(outdated.status, 0, "{outdated}");
    assert!(outdated.stdout.contains("warning: "), "{outdated}");
}

#[test]
fn a_lock_file_that_is_missing_says_how_to_write_it() {
    let folder = scratch("lock-missing");
    fs::write(folder.join("a.json"), VALID).unwrap();
    let run = Run::in_folder(&folder, ["check", "a.json", "--lock", "none"]);
    assert_eq!(run.status, 1, "{run}");
    let help = "help: `astarte-build lock PATH... > FILE` writes a lock file";
    assert!(run.stdout.contains(help), "{run}");
}

#[test]
fn no_lock_is_written_of_what_is_wrong() {
    let wrong = "mapping--overlap.json";
    let twice = ["lock--duplicate.json", "lock--duplicate.other.json"];
    for files in [&[wrong][..], &twice] {
        let arguments = ["lock"].iter().chain(files);
        let run = Run::in_folder(diagnostics_folder(), arguments);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        assert!(run.stderr.starts_with("error: "), "{run}");
    }
}

#[test]
fn diff_gives_a_verdict() {
    let folder = scratch("diff");
    fs::write(folder.join("old.json"), VALID).unwrap();
    let minor = VALID.replace("\"version_minor\": 0", "\"version_minor\": 1");
    fs::write(folder.join("new.json"), minor).unwrap();
    let may = Run::in_folder(&folder, ["diff", "old.json", "new.json"]);
    assert_eq!(may.status, 0, "{may}");
    assert_eq!(
        may.stdout,
        "org.example.Readings 1.1 may replace org.example.Readings 1.0\n"
    );
    let may_not = Run::in_folder(&folder, ["diff", "new.json", "old.json"]);
    assert_eq!(may_not.status, 1, "{may_not}");
    let verdict = "org.example.Readings 1.0 may not replace org.example.Readings 1.1\n";
    assert!(may_not.stdout.ends_with(verdict), "{may_not}");

    fs::write(folder.join("wrong.json"), "{").unwrap();
    let wrong = Run::in_folder(
        &folder,
        ["diff", "wrong.json", "missing.json", "--format=json"],
    );
    assert_eq!(wrong.status, 1, "{wrong}");
    let codes: Vec<_> = objects(&wrong)
        .iter()
        .map(|object| object["code"].clone())
        .collect();
    assert_eq!(codes, ["json::syntax", "file::unreadable"], "both are read");
}

#[test]
fn resolve_says_what_each_path_is() {
    let file = "org.example.thermostat.Readings.json";
    let paths = [
        "/kitchen/temperature",
        "/kitchen",
        "/kitchen/temprature",
        "kitchen",
    ];
    let arguments = ["resolve", file].into_iter().chain(paths);
    let text = Run::in_folder(interfaces_folder(), arguments.clone());
    let expected = "\
/kitchen/temperature
    endpoint /%{room}/temperature (double)
    room = kitchen
/kitchen
    error: path `/kitchen` is incomplete: `org.example.thermostat.Readings` goes on with `/%{room}/temperature`
/kitchen/temprature
    error: interface `org.example.thermostat.Readings` has no mapping for the path `/kitchen/temprature`
    help: a path of `/%{room}/temperature` may be meant
kitchen
    error: `kitchen` is not a path: it does not begin with a slash
";
    assert_eq!((text.status, text.stdout.as_str()), (1, expected), "{text}");

    let json = Run::in_folder(interfaces_folder(), arguments.chain(["--format", "json"]));
    let found = objects(&json);
    let first = json!({
        "path": "/kitchen/temperature",
        "endpoint": "/%{room}/temperature",
        "parameters": [{ "name": "room", "value": "kitchen" }],
        "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }],
        "error": null,
        "message": null,
        "help": null,
    });
    assert_eq!(found[0], first);
    let errors: Vec<_> = found.iter().map(|object| object["error"].clone()).collect();
    let expected = json!([null, "ambiguous_path", "mapping_not_found", "invalid_path"]);
    assert_eq!(json!(errors), expected);
    let good = Run::in_folder(
        interfaces_folder(),
        ["resolve", file, "/kitchen/temperature"],
    );
    assert_eq!(good.status, 0, "{good}");
}

#[test]
fn resolve_shows_the_keys_of_an_object() {
    let file = "org.example.vehicle.Position.json";
    let run = Run::in_folder(interfaces_folder(), ["resolve", file, "/v-17"]);
    let expected = "\
/v-17
    endpoint /%{vehicle} (object)
    vehicle = v-17
    key latitude (double)
    key longitude (double)
    key satellites (integer)
";
    assert_eq!((run.status, run.stdout.as_str()), (0, expected), "{run}");
}

#[test]
fn resolve_of_what_is_wrong_says_so() {
    let arguments = ["resolve", "mapping--overlap.json", "/a", "--format", "json"];
    let run = Run::in_folder(diagnostics_folder(), arguments);
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
    assert!(
        run.stderr.starts_with("{\"code\":\"mapping::overlap\","),
        "{run}"
    );
}

#[test]
fn explain_prints_the_section() {
    let run = Run::in_folder(".", ["explain", "mapping::overlap"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    assert!(run.stdout.starts_with("mapping::overlap\n\n"), "{run}");
    for part in ["\nRefused:\n", "\nAccepted:\n", "```json"] {
        assert!(run.stdout.contains(part), "{run}");
    }
    assert!(!run.stdout.contains("## "), "no other section: {run}");
}

#[test]
fn expand_prints_what_a_build_script_generates() {
    let file = "../interfaces/org.example.vehicle.Position.json";
    let run = Run::in_folder(env!("CARGO_MANIFEST_DIR"), ["expand", file]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    let config = Config::new().interface(file).registration(false);
    assert_eq!(run.stdout, config.generate().unwrap());
}

#[test]
fn expand_of_what_is_wrong_says_so() {
    for (file, code) in [
        ("mapping--overlap.json", "[mapping::overlap]"),
        ("lint--encrypted.json", "[names::encrypted]"),
        ("missing.json", "[file::unreadable]"),
    ] {
        let run = Run::in_folder(diagnostics_folder(), ["expand", file]);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        assert!(
            run.stderr.contains(code) && !run.stderr.contains("warning"),
            "{run}"
        );
        assert!(run.stderr.contains(file), "{run}");
    }
}

//! Folders, files that are none, and pipes that close.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::run::{Run, VALID, command, scratch};

/// The files that a report in JSON is about.
fn files_of(run: &Run) -> Vec<String> {
    let lines = run.stdout.lines();
    lines
        .map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["file"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn folders_are_searched_in_the_order_of_names() {
    let folder = scratch("walk");
    for name in [
        "b/a.json",
        "a.json",
        "c.json",
        ".git/x.json",
        "b/a.txt",
        "b/c/d.json",
    ] {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "{").unwrap();
    }
    let run = Run::in_folder(&folder, ["check", ".", "--format", "json"]);
    assert_eq!(
        files_of(&run),
        ["./a.json", "./b/a.json", "./b/c/d.json", "./c.json"]
    );
    // Arguments keep their order, and no file is read twice.
    let run = Run::in_folder(
        &folder,
        ["check", "c.json", "b", "b/a.json", "--format", "json"],
    );
    assert_eq!(files_of(&run), ["c.json", "b/a.json", "b/c/d.json"]);
}

#[test]
fn a_folder_without_interfaces_is_an_error() {
    let folder = scratch("empty");
    fs::write(folder.join("README.md"), "").unwrap();
    let run = Run::in_folder(&folder, ["check", "."]);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout
            .contains("the folder `.` has no `.json` file [file::unreadable]"),
        "{run}"
    );
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_in_circles() {
    let folder = scratch("links");
    fs::write(folder.join("a.json"), VALID).unwrap();
    std::os::unix::fs::symlink(".", folder.join("again")).unwrap();
    std::os::unix::fs::symlink("a.json", folder.join("b.json")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("c.json")).unwrap();
    let run = Run::in_folder(&folder, ["check", "."]);
    assert_eq!(run.status, 1);
    assert_eq!(run.stderr, "1 error in 3 files\n");
    assert!(
        run.stdout.contains("the file `./c.json` cannot be read"),
        "{run}"
    );
}

#[test]
fn bytes_that_are_no_text_are_shown() {
    let folder = scratch("bytes");
    fs::write(folder.join("latin1.json"), b"{\n  \"doc\": \"caf\xe9\"\n}").unwrap();
    let run = Run::in_folder(&folder, ["check", "latin1.json"]);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout
            .contains("error: the file is not UTF-8 [file::unreadable]"),
        "{run}"
    );
    assert!(run.stdout.contains("--> latin1.json:2:14"), "{run}");

    let utf16: Vec<u8> = VALID.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [&[0xff, 0xfe][..], &utf16].concat();
    fs::write(folder.join("utf16.json"), utf16).unwrap();
    for arguments in [
        &["check", "utf16.json"][..],
        &["diff", "utf16.json", "utf16.json"],
        &["lock", "utf16.json"],
        &["resolve", "utf16.json", "/a"],
        &["expand", "utf16.json"],
        &["check", ".", "--lock", "utf16.json"],
    ] {
        let run = Run::in_folder(&folder, arguments);
        assert_eq!(run.status, 1, "{run}");
        let shown = run.to_string();
        assert!(
            shown.contains("help: save the file with the encoding UTF-8"),
            "{shown}"
        );
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_taken() {
    use std::os::unix::ffi::OsStrExt;

    let folder = scratch("names");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.json");
    fs::write(folder.join(name), VALID).unwrap();
    for arguments in [
        ["check".as_ref(), name],
        ["lock".as_ref(), name],
        ["expand".as_ref(), name],
    ] {
        let run = Run::in_folder(&folder, arguments);
        assert_eq!(run.status, 0, "{run}");
    }
    let run = Run::in_folder(&folder, ["resolve".as_ref(), "a.json".as_ref(), name]);
    assert_eq!(run.status, 2, "a path of an interface is text: {run}");
}

#[test]
fn a_reader_that_has_enough_changes_no_verdict() {
    let folder = scratch("pipe");
    let unknown: Vec<_> = (0..50)
        .map(|i| format!("\"{}{i}\": 0", "key".repeat(20)))
        .collect();
    let text = VALID.replacen('{', &format!("{{{},", unknown.join(",")), 1);
    for index in 0..20 {
        fs::write(folder.join(format!("{index}.json")), &text).unwrap();
    }
    let mut child = command(&folder)
        .args(["check", "."])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with("warning: "), "{first}");
    assert_eq!(output.status.code(), Some(0), "there are warnings alone");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "no errors, 1000 warnings in 20 files\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_an_error() {
    let folder = scratch("full");
    fs::write(folder.join("a.json"), VALID).unwrap();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command(&folder)
        .args(["lock", "a.json"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: the output cannot be written"),
        "{stderr}"
    );
}

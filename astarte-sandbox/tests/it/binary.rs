//! The program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::folder::Folder;
use crate::interfaces::IND;

/// A running program and the lines that it writes; ended with the test.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Running {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The test may end before the program does.
            let _ = out
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line));
        });
        Running { child, lines }
    }

    fn line(&self) -> String {
        self.lines
            .recv_timeout(Duration::from_secs(10))
            .expect("a line within 10 seconds")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_astarte-sandbox"));
    command.args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

#[test]
fn json_begins_with_what_a_device_needs() {
    let folder = Folder::new("json");
    folder.write("ind.json", IND);
    let ca = folder.path().join("ca.pem");
    let directory = folder.path().to_str().unwrap();
    let arguments = [
        "--json",
        "--interfaces",
        directory,
        "--realm",
        "lab",
        "--write-ca",
        ca.to_str().unwrap(),
    ];
    let program = Running::start(&arguments);
    let started = program.json();
    let started = &started["event"];
    assert_eq!(started["type"], "started");
    assert_eq!(started["realm"], "lab");
    assert_eq!(
        started["ca"].as_str().unwrap(),
        fs::read_to_string(&ca).unwrap()
    );
    let registered = program.json();
    assert_eq!(registered["event"]["type"], "device_registered");
    assert_eq!(registered["device_id"], started["device_id"]);
}

#[test]
fn people_are_told_the_same() {
    let folder = Folder::new("text");
    folder.write("ind.json", IND);
    let credentials = folder.path().join("credentials");
    let program = Running::start(&[
        "--interfaces",
        folder.path().to_str().unwrap(),
        "--credentials",
        credentials.to_str().unwrap(),
    ]);
    let mut text = String::new();
    while !text.contains("Ctrl-C") {
        text.push_str(&program.line());
        text.push('\n');
    }
    for expected in [
        "Pairing URL       http://127.0.0.1:",
        "JWT=ey",
        "test.Ind 1.0",
        "curl ",
        "-m 'test.Ind:1:0'",
        "/test.Ind/id/value -s",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    for file in ["ca.pem", "device.pem", "device.key"] {
        let written = fs::read_to_string(credentials.join(file)).unwrap();
        assert!(written.starts_with("-----BEGIN "), "{file}");
        assert!(text.contains(&format!("credentials/{file}")), "{text}");
    }
}

#[test]
fn a_faulty_interface_is_shown() {
    let folder = Folder::new("faulty");
    folder.write("faulty.json", &IND.replace("\"double\"", "\"dobule\""));
    let output = output(&["--interfaces", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("faulty.json:") && error.contains("dobule"),
        "{error}"
    );
}

#[test]
fn mistakes_are_explained() {
    let unknown = output(&["--nope"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("usage:"));
    let missing = output(&["--interfaces", "no/such/folder"]);
    assert_eq!(missing.status.code(), Some(1));
    let error = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(
        error.starts_with("error: `no/such/folder` cannot be read: "),
        "{error}"
    );
    let help = output(&["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("--interfaces"));
}

#[test]
fn a_second_run_goes_on_with_the_data() {
    let folder = Folder::new("data");
    folder.write("ind.json", IND);
    let data = folder.path().join("data");
    let interfaces = folder.path().to_str().unwrap();
    let arguments = [
        "--json",
        "--interfaces",
        interfaces,
        "--data",
        data.to_str().unwrap(),
    ];
    let first = Running::start(&arguments);
    let started = first.json();
    let id = started["event"]["device_id"].as_str().unwrap();
    let kept = data.join("devices").join(format!("{id}.json"));
    let begun = Instant::now();
    while !kept.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10), "nothing is kept");
        thread::yield_now();
    }
    drop(first);
    let again = Running::start(
        &arguments[..1]
            .iter()
            .chain(&arguments[3..])
            .copied()
            .collect::<Vec<_>>(),
    );
    let again = again.json();
    for key in ["device_id", "credentials_secret", "ca", "realm"] {
        assert_eq!(again["event"][key], started["event"][key], "{key}");
    }
}

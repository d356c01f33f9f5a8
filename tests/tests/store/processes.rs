//! Several processes, and limits of the system.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use astarte_runtime::store::{
    PropertyStore, RedbStore, RetentionChange, RetentionStore, StoreError,
};
use astarte_tests::TestResult;

use super::{append, messages, stored};

/// A second process is told that the file is in use, and gets it when the first is gone, however it went.
#[test]
fn two_processes_do_not_share_a_file() -> TestResult {
    if let Ok(file) = env::var(HOLDER) {
        let store = RedbStore::open(file)?;
        store.apply(&[stored("/a", b"1")])?;
        println!("\nopen");
        // Until the other process ends this one.
        std::io::stdin().lines().count();
        drop(store);
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    for killed in [false, true] {
        let mut holder = hold(&file)?;
        let in_use = |result: Result<(), StoreError>| {
            assert!(matches!(result, Err(StoreError::InUse)), "{result:?}");
        };
        in_use(RedbStore::open(&file).map(drop));
        in_use(RedbStore::open_or_recover(&file).map(drop));
        in_use(RedbStore::dump(&file, Vec::new()));
        let names = fs::read_dir(&directory)?;
        let mut names: Vec<_> = names
            .map(|name| Ok(name?.file_name()))
            .collect::<std::io::Result<_>>()?;
        names.sort();
        let expected = ["store.redb", "store.redb.journal"];
        assert_eq!(names, expected, "nothing was moved or made");
        if killed {
            holder.kill()?;
        }
        drop(holder.stdin.take());
        holder.wait()?;
        let store = RedbStore::open(&file)?;
        assert_eq!(store.load_all()?.len(), 1);
    }
    Ok(())
}

/// Tells a process that it is the first one, and which file it is to hold.
const HOLDER: &str = "STORE_TEST_HOLDER";

fn hold(file: &Path) -> Result<Child, Box<dyn std::error::Error>> {
    let mut child = Command::new(env::current_exe()?)
        .args([
            "processes::two_processes_do_not_share_a_file",
            "--exact",
            "--nocapture",
        ])
        .env(HOLDER, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("it is piped")?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "open"), "it opens the file");
    // A pipe that nobody reads would end it.
    std::thread::spawn(move || lines.count());
    Ok(child)
}

/// A file that must not grow: what needs space is refused, all else goes on, and so does the rest when there is space.
///
/// The shell sets the limit for the process that the test runs itself as, without the signal that comes with it.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow_is_full() -> TestResult {
    if let Ok(file) = env::var(LIMITED) {
        return fill(Path::new(&file));
    }
    let directory = tempfile::tempdir()?;
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(env::current_exe()?)
        .args([
            "processes::a_file_that_cannot_grow_is_full",
            "--exact",
            "--nocapture",
        ])
        .env(LIMITED, directory.path().join("store.redb"))
        .output()?;
    std::io::stderr().write_all(&output.stderr)?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let told = String::from_utf8(output.stdout)?;
    assert!(told.contains("\nfull\n"), "{told}");
    Ok(())
}

/// Tells a process that its files must not grow, and which to fill.
#[cfg(unix)]
const LIMITED: &str = "STORE_TEST_LIMITED";

#[cfg(unix)]
fn fill(file: &Path) -> TestResult {
    let store = RedbStore::open(file)?;
    store.apply(&[stored("/a", b"1")])?;
    let payload = [7; 10_000];
    let mut last = 0;
    let error = loop {
        match store.apply_retention(&[append(last + 1, &payload)]) {
            Ok(()) => last += 1,
            Err(error) => break error,
        }
        assert!(last < 1000, "the limit is 2 MiB at most");
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert!(last > 10, "{last} messages");
    println!("\nfull");

    let held = |first, last| -> TestResult {
        let numbers: Vec<_> = messages(&store)?
            .iter()
            .map(|message| message.sequence)
            .collect();
        assert!(
            numbers.iter().copied().eq(first..=last),
            "{numbers:?} of {last}"
        );
        assert_eq!(store.load_all()?.len(), 1);
        Ok(())
    };
    held(1, last)?;
    for _ in 0..3 {
        let again = store.apply_retention(&[append(last + 1, &[8; 100_000])]);
        assert!(matches!(again, Err(StoreError::Full(_))), "{again:?}");
        held(1, last)?;
    }
    // What leaves the file makes room in it.
    for sequence in 1..=10 {
        store.apply_retention(&[RetentionChange::Remove { sequence }])?;
    }
    held(11, last)?;
    store.apply_retention(&[append(last + 1, &payload)])?;
    last += 1;
    store.apply(&[stored("/a", b"2")])?;
    held(11, last)
}

//! Processes that are devices, with and without callgrind.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use device_bench::{Case, Direction, Reading, Result, Site};

use crate::broker::Broker;
use crate::cloud::Cloud;

/// A program of this package that is measured.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    Ours,
    Raw,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Ours => "ours",
            Program::Raw => "raw",
        }
    }

    fn path(self) -> Result<PathBuf> {
        Ok(std::env::current_exe()?.with_file_name(self.name()))
    }

    /// Sends or receives `count` messages.
    pub(crate) fn measure(self, case: Case, count: usize, broker: &mut Broker) -> Result<Reading> {
        let id = broker.device()?;
        run(Command::new(self.path()?), case, count, &id, &broker.site)
    }

    /// The same, and that every message came; and how many instructions the whole process took.
    pub(crate) fn count(
        self,
        case: Case,
        count: usize,
        broker: &mut Broker,
    ) -> Result<(Reading, u64)> {
        let id = broker.device()?;
        let (callgrind, profile) = self.callgrind(&format!("{}-{count}", case.argument()))?;
        let counting = match case.direction() {
            Direction::Sent => Some(Cloud::expect(&broker.site, &id, case, count)?),
            Direction::Received => None,
        };
        let reading = run(callgrind, case, count, &id, &broker.site)?;
        if let Some(counting) = counting {
            counting
                .join()
                .map_err(|_| "messages were lost, or came changed")?;
        }
        Ok((reading, instructions(&profile)?))
    }

    /// The instructions of a start with everything stored, from the first of the process to the acknowledgement of a
    /// message.
    pub(crate) fn start(self, broker: &mut Broker) -> Result<u64> {
        let id = broker.device()?;
        broker.keep(&id)?;
        let arguments = |run: &str| {
            let [folder, port] = broker.site.arguments();
            ["start".to_owned(), run.to_owned(), id.clone(), folder, port]
        };
        checked(Command::new(self.path()?).args(arguments("0")))?;
        let (mut callgrind, profile) = self.callgrind("start")?;
        checked(callgrind.args(arguments("1")))?;
        instructions(&profile)
    }

    /// The resident memory, in KiB, of a process with one connected device and `more`, none of which does anything.
    pub(crate) fn resident(self, more: usize, broker: &mut Broker) -> Result<u64> {
        let id = broker.device()?;
        broker.keep(&id)?;
        for number in 0..more {
            broker.certify(&format!("{number:0>21}A"))?;
        }
        let mut command = Command::new(self.path()?);
        command
            .args(["idle", &more.to_string(), &id])
            .args(broker.site.arguments());
        resident_when_ready(command)
    }

    fn callgrind(self, name: &str) -> Result<(Command, PathBuf)> {
        let path = self.path()?;
        let profile = path.with_file_name(format!("callgrind.{}.{name}", self.name()));
        let mut command = Command::new("valgrind");
        command
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(path);
        Ok((command, profile))
    }
}

/// The resident memory, in KiB, of the smallest device while it is connected and idle.
///
/// It trusts what its system trusts, which is the broker's authority: what a system with more costs is no part of this.
pub(crate) fn resident(program: &Path, broker: &mut Broker) -> Result<u64> {
    let id = broker.device()?;
    broker.keep(&id)?;
    let folder = &broker.site.folder;
    let nothing = folder.join("nothing");
    std::fs::create_dir_all(&nothing)?;
    let mut command = Command::new(program);
    command
        .arg(id)
        .arg(folder)
        .env("SSL_CERT_FILE", folder.join("ca.pem"))
        .env("SSL_CERT_DIR", nothing);
    resident_when_ready(command)
}

/// The resident memory, in KiB, of a process that has said that it is ready.
fn resident_when_ready(mut command: Command) -> Result<u64> {
    let mut running = Running::start(command.stdin(Stdio::piped()))?;
    running.expect("ready")?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id()))?;
    drop(running.child.stdin.take());
    running.end()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|rest| rest.split_whitespace().next());
    Ok(resident.ok_or("no resident memory")?.parse()?)
}

fn run(mut command: Command, case: Case, count: usize, id: &str, site: &Site) -> Result<Reading> {
    command
        .args([case.argument(), &count.to_string(), id])
        .args(site.arguments());
    let mut running = Running::start(&mut command)?;
    if case.direction() == Direction::Received {
        running.expect("ready")?;
        Cloud::feed(site, id, case, count)?;
    }
    let reading = running.line()?.parse()?;
    running.end()?;
    Ok(reading)
}

/// A process that says something.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(command: &mut Command) -> Result<Running> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        Ok(Running {
            child,
            lines: BufReader::new(output).lines(),
        })
    }

    fn line(&mut self) -> Result<String> {
        match self.lines.next() {
            Some(line) => Ok(line?),
            None => Err(format!("the process said nothing: {}", self.child.wait()?).into()),
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<()> {
        let line = self.line()?;
        (line == wanted)
            .then_some(())
            .ok_or_else(|| format!("`{line}` for `{wanted}`").into())
    }

    fn end(mut self) -> Result<()> {
        let status = self.child.wait()?;
        status
            .success()
            .then_some(())
            .ok_or_else(|| status.to_string().into())
    }
}

/// Runs a command that must succeed, and returns what it prints.
pub(crate) fn checked(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What callgrind counted.
fn instructions(profile: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(profile)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    Ok(total.ok_or("callgrind has no summary")?.trim().parse()?)
}

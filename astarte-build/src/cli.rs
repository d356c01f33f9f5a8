//! The command line.

mod arguments;
mod check;
mod diff;
mod expand;
mod explain;
mod files;
mod lock;
mod output;
mod report;
mod resolve;

use std::process::ExitCode;

use self::{
    arguments::{Command, HELP, USAGE},
    output::Output,
};

/// Runs the command that this process was started with.
pub(crate) fn main() -> ExitCode {
    let mut output = Output::of_process();
    let verdict = match arguments::parse(lexopt::Parser::from_env()) {
        Ok(command) => run(&command, &mut output),
        Err(error) => {
            output.stderr.line(&format!("error: {error}\n\n{USAGE}"));
            Verdict::Usage
        }
    };
    output.finish(verdict)
}

fn run(command: &Command, output: &mut Output) -> Verdict {
    match command {
        Command::Check(check) => check.run(output),
        Command::Diff(diff) => diff.run(output),
        Command::Expand(expand) => expand.run(output),
        Command::Explain(explain) => explain.run(output),
        Command::Help => {
            output.stdout.text(HELP);
            Verdict::Good
        }
        Command::Lock(lock) => lock.run(output),
        Command::Resolve(resolve) => resolve.run(output),
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            output.stdout.line(&format!("astarte-build {version}"));
            Verdict::Good
        }
    }
}

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is no error.
    Good,
    /// There are errors in what was looked at.
    Bad,
    /// The command itself is wrong.
    Usage,
}

impl Verdict {
    fn of(good: bool) -> Self {
        match good {
            true => Self::Good,
            false => Self::Bad,
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::SUCCESS,
            Verdict::Bad => Self::from(1),
            Verdict::Usage => Self::from(2),
        }
    }
}

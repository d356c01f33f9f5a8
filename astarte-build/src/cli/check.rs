use std::path::{Path, PathBuf};

use astarte_interface::{Code, Diagnostics, Lock};

use super::{
    Verdict,
    files::{self, Files},
    output::Output,
    report::{Format, count},
};

/// `check PATH...`
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) lock: Option<PathBuf>,
    pub(crate) format: Format,
    pub(crate) allow: Vec<Code>,
}

impl Check {
    pub(crate) fn run(&self, output: &mut Output) -> Verdict {
        let mut files = Files::read(&self.paths);
        // A document that cannot be read would look as if it were gone.
        if let (Some(lock), false) = (&self.lock, files.report.has_errors()) {
            let found = compare(lock, &files);
            files.report.add(lock.display().to_string(), found);
        }
        files.report.allow(&self.allow);
        files.report.write(self.format, &mut output.stdout);
        if self.format == Format::Text {
            let (found, files) = (files.report.summary(), count(files.count, "file"));
            output.stderr.line(&format!("{found} in {files}"));
        }
        Verdict::of(!files.report.has_errors())
    }
}

fn compare(lock: &Path, files: &Files) -> Diagnostics {
    let source = match files::read(lock) {
        Ok(source) => source,
        Err(error) => {
            let help = "`astarte-build lock PATH... > FILE` writes a lock file";
            return error.help(help).into();
        }
    };
    match Lock::parse(&source) {
        Ok(lock) => lock.check(&files.interfaces),
        Err(found) => found,
    }
}

use std::path::PathBuf;

use super::{Verdict, files::Files, output::Output, report::Format};

/// `lock PATH...`
#[derive(Debug)]
pub(crate) struct Lock {
    pub(crate) paths: Vec<PathBuf>,
}

impl Lock {
    pub(crate) fn run(&self, output: &mut Output) -> Verdict {
        let mut files = Files::read(&self.paths);
        let lock = astarte_interface::Lock::new(&files.interfaces);
        // A lock is what its interfaces were, so that all it can find is one of them twice.
        let found = lock.check(&files.interfaces);
        files.report.add("", found);
        files.report.errors_only();
        if files.report.has_errors() {
            files.report.write(Format::Text, &mut output.stderr);
            return Verdict::Bad;
        }
        output.stdout.text(&lock.to_string());
        Verdict::Good
    }
}

use std::path::{Path, PathBuf};

use astarte_interface::{Code, Compatibility, Diagnostics, Interface};

use super::{
    Verdict, files,
    output::Output,
    report::{Format, Report},
};

/// `diff OLD NEW`
#[derive(Debug)]
pub(crate) struct Diff {
    pub(crate) old: PathBuf,
    pub(crate) new: PathBuf,
    pub(crate) format: Format,
    pub(crate) allow: Vec<Code>,
}

impl Diff {
    pub(crate) fn run(&self, output: &mut Output) -> Verdict {
        let mut report = Report::default();
        let verdict = self.compare(&mut report);
        report.allow(&self.allow);
        report.write(self.format, &mut output.stdout);
        if let (Some(verdict), Format::Text) = (&verdict, self.format) {
            output.stdout.line(verdict);
        }
        Verdict::of(!report.has_errors())
    }

    /// Returns the verdict in words, unless one of the documents is wrong by itself.
    fn compare(&self, report: &mut Report) -> Option<String> {
        // Both are read in any case, so that all errors are shown.
        let (old, new) = (read(&self.old, report), read(&self.new, report));
        let (old, new) = (old?, new?);
        let compatibility = Compatibility::check(&old, &new);
        let may = match compatibility.is_compatible() {
            true => "may replace",
            false => "may not replace",
        };
        report.add(shown(&self.new), compatibility.into_diagnostics());
        Some(format!(
            "{} {} {may} {} {}",
            new.name(),
            new.version(),
            old.name(),
            old.version()
        ))
    }
}

/// Warnings are about one document by itself, which `check` is for.
fn read(file: &Path, report: &mut Report) -> Option<Interface> {
    let parsed = files::read(file).map_err(Diagnostics::from);
    match parsed.and_then(|source| Interface::parse(&source)) {
        Ok(checked) => Some(checked.interface),
        Err(found) => {
            report.add(shown(file), found);
            None
        }
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

use std::{
    env,
    path::{self, Path, PathBuf},
};

use astarte_build::{Config, Error};
use astarte_interface::{Diagnostics, Interface};

use super::{
    Verdict, files,
    output::Output,
    report::{Format, Report},
};

/// `expand INTERFACE`
#[derive(Debug)]
pub(crate) struct Expand {
    pub(crate) interface: PathBuf,
}

impl Expand {
    pub(crate) fn run(&self, output: &mut Output) -> Verdict {
        match self.generate() {
            Ok(rust) => {
                output.stdout.text(&rust);
                Verdict::Good
            }
            Err(Error::Interfaces(found)) => {
                let mut report = Report::default();
                report.add(self.interface.display().to_string(), found);
                report.errors_only();
                report.write(Format::Text, &mut output.stderr);
                Verdict::Bad
            }
            Err(error) => {
                output.stderr.line(&format!("error: {error:?}"));
                Verdict::Bad
            }
        }
    }

    fn generate(&self) -> Result<String, Error> {
        // Read here first, for the sake of what the other commands say about files that are no interfaces.
        let source = files::read(&self.interface).map_err(Diagnostics::from);
        source
            .and_then(|source| Interface::parse(&source))
            .map_err(Error::Interfaces)?;
        Config::new()
            .interface(located(&self.interface))
            .registration(false)
            .generate()
    }
}

/// The file for a build script, for which relative paths count from the manifest that cargo names, if any.
fn located(file: &Path) -> PathBuf {
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(_) => path::absolute(file).unwrap_or_else(|_| file.to_owned()),
        None => file.to_owned(),
    }
}

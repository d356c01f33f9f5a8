//! The lock file.

use std::{env, fs, io};

use astarte_interface::{Diagnostics, Interface, Lock, Source};

use super::{Config, files, output, plan::Plan};
use crate::error::Error;

/// The environment variable that asks for a new lock file.
pub(super) const VARIABLE: &str = "ASTARTE_LOCK";

impl Config {
    /// What the lock says of the interfaces: errors and warnings.
    pub(super) fn check_lock(&self, interfaces: &[Interface]) -> Result<Diagnostics, Error> {
        if is_written() {
            return Ok(Diagnostics::new());
        }
        let Some(source) = self.read_lock()? else {
            return Ok(Diagnostics::new());
        };
        let lock = Lock::parse(&source).map_err(Error::Interfaces)?;
        Ok(lock.check(interfaces))
    }

    /// Writes the lock file where there is none, or where the variable asks for it.
    pub(super) fn write_lock(&self, plan: &Plan) -> Result<(), Error> {
        let Some(file) = &self.lock else {
            return Ok(());
        };
        let file = files::located(file);
        if file.exists() && !is_written() {
            return Ok(());
        }
        let lock = Lock::new(plan.planned.iter().map(|planned| &planned.interface));
        output::write(&file, &lock.to_string())
    }

    fn read_lock(&self) -> Result<Option<Source>, Error> {
        let Some(file) = &self.lock else {
            return Ok(None);
        };
        let path = files::located(file);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Source::new(files::shown(&path), text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io {
                action: "read the lock file",
                path,
                source,
            }),
        }
    }
}

fn is_written() -> bool {
    env::var_os(VARIABLE).is_some_and(|value| value == "write")
}

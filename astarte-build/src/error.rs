//! Why a build script fails.

use std::{fmt, io, path::PathBuf};

use astarte_interface::Diagnostics;
use thiserror::Error;

/// A build script's interfaces could not be compiled.
///
/// `Debug` gives the same text as `Display`, because this is what a `main` that returns the error prints.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// The interface files are at fault.
    #[error("{0}")]
    Interfaces(Diagnostics),
    /// A file or folder cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// There is no interface to compile.
    #[error("there is no interface to compile: {reason}")]
    NoInterfaces {
        /// Why there is none.
        reason: String,
    },
    /// Neither `OUT_DIR` nor `Config::out_dir` says where to write to.
    #[error(
        "there is no folder to write to: call this from a build script, or set `Config::out_dir`"
    )]
    NoOutDir,
    /// Settings match nothing, or cannot be read.
    #[error("{}", join(.0))]
    Settings(Vec<SettingError>),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

/// A setting that matches nothing, or that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    pub(crate) setting: String,
    pub(crate) reason: String,
    pub(crate) help: Option<String>,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.setting, self.reason)?;
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SettingError {}

fn join(errors: &[SettingError]) -> String {
    let texts: Vec<String> = errors.iter().map(SettingError::to_string).collect();
    texts.join("\n\n")
}

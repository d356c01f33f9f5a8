//! Which files are compiled, and where the output goes.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use astarte_interface::Source;

use super::Config;
use crate::error::Error;

impl Config {
    /// What cargo is to watch: folders, for files that are added, and files.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let listed = self
            .dirs
            .iter()
            .filter_map(|dir| json_files(&located(dir)).ok())
            .flatten();
        let dirs = self.dirs.iter().map(|dir| located(dir));
        let files = self
            .files
            .iter()
            .chain(&self.lock)
            .map(|file| located(file));
        dirs.chain(listed).chain(files).collect()
    }

    /// The texts of all files, in the order of their names.
    pub(super) fn sources(&self) -> Result<Vec<Source>, Error> {
        let mut sources = Vec::new();
        for dir in &self.dirs {
            let files = json_files(&located(dir)).map_err(|source| Error::Io {
                action: "read the folder",
                path: dir.clone(),
                source,
            })?;
            if files.is_empty() {
                let reason = format!("the folder `{}` has no `.json` file", dir.display());
                return Err(Error::NoInterfaces { reason });
            }
            for file in files {
                sources.push(read(&file)?);
            }
        }
        for file in &self.files {
            sources.push(read(&located(file))?);
        }
        Ok(sources)
    }

    /// The file to write.
    pub(super) fn out_file(&self) -> Result<PathBuf, Error> {
        let dir = match &self.out_dir {
            Some(dir) => located(dir),
            None => env::var_os("OUT_DIR")
                .map(PathBuf::from)
                .ok_or(Error::NoOutDir)?,
        };
        Ok(dir.join(Self::FILE_NAME))
    }
}

/// The `.json` files of a folder, sorted, because systems list them in any order.
fn json_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Source, Error> {
    let text = fs::read_to_string(file).map_err(|source| Error::Io {
        action: "read the file",
        path: file.to_owned(),
        source,
    })?;
    Ok(Source::new(shown(file), text))
}

/// A path counted from the folder of the manifest.
pub(super) fn located(path: &Path) -> PathBuf {
    manifest_dir().join(path)
}

/// The name of a file in generated code, where no path of this machine may stand.
pub(super) fn shown(file: &Path) -> String {
    let relative = file.strip_prefix(manifest_dir()).unwrap_or(file);
    let shown = match relative.is_relative() {
        true => relative.to_string_lossy(),
        false => file.file_name().unwrap_or_default().to_string_lossy(),
    };
    shown.replace('\\', "/")
}

/// Cargo runs build scripts in this folder, too, and sets the variable for them.
fn manifest_dir() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default()
}

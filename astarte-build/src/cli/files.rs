use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use astarte_interface::{Code, Diagnostic, Interface, Source, Span};

use super::report::Report;

/// The interfaces of files and folders, and what was found in all of them.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) count: usize,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) report: Report,
}

impl Files {
    /// Reads the files in the order of the arguments, those of a folder in the order of their names.
    pub(crate) fn read(paths: &[PathBuf]) -> Self {
        let mut files = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            for file in files.listed(path) {
                if seen.insert(file.clone()) {
                    files.add(&file);
                }
            }
        }
        files
    }

    /// The files behind an argument.
    fn listed(&mut self, path: &Path) -> Vec<PathBuf> {
        if !path.is_dir() {
            return vec![path.to_owned()];
        }
        let mut listed = Vec::new();
        self.walk(path, &mut listed);
        if listed.is_empty() {
            let message = format!("the folder `{}` has no `.json` file", shown(path));
            let error = Diagnostic::error(Code::FileUnreadable, message);
            self.report.add(shown(path), error);
        }
        listed.sort();
        listed
    }

    fn walk(&mut self, folder: &Path, listed: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let error = unreadable("the folder", folder, &error);
                return self.report.add(shown(folder), error);
            }
        };
        for entry in entries {
            let path = entry.path();
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            // Links to folders are not followed: they can lead in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !hidden {
                    self.walk(&path, listed);
                }
            } else if path.extension().is_some_and(|it| it == "json") && !path.is_dir() {
                listed.push(path);
            }
        }
    }

    fn add(&mut self, file: &Path) {
        self.count += 1;
        let found = match read(file) {
            Ok(source) => match Interface::parse(&source) {
                Ok(checked) => {
                    self.interfaces.push(checked.interface);
                    checked.warnings
                }
                Err(found) => found,
            },
            Err(error) => error.into(),
        };
        self.report.add(shown(file), found);
    }
}

/// Reads a file under the name that the user gave to it.
pub(crate) fn read(file: &Path) -> Result<Source, Diagnostic> {
    let mut bytes = Vec::new();
    let reading = File::open(file).and_then(|it| it.take(MAX_READ).read_to_end(&mut bytes));
    if let Err(error) = reading {
        return Err(unreadable("the file", file, &error));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(shown(file), text)),
        Err(error) => Err(not_utf8(file, &error)),
    }
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("{what} `{}` cannot be read: {error}", shown(path));
    Diagnostic::error(Code::FileUnreadable, message)
}

fn not_utf8(file: &Path, error: &std::string::FromUtf8Error) -> Diagnostic {
    // What stands in for the wrong bytes begins where they began.
    let source = Source::new(shown(file), String::from_utf8_lossy(error.as_bytes()));
    let start = error.utf8_error().valid_up_to();
    let span = Span::new(start, start + char::REPLACEMENT_CHARACTER.len_utf8());
    Diagnostic::error(Code::FileUnreadable, "the file is not UTF-8")
        .label(&source, span, "not a character")
        .help("save the file with the encoding UTF-8")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Bytes that are read of one file: far more than any interface or lock file has, and far less than a device that
/// never ends.
const MAX_READ: u64 = 64 * 1024 * 1024;

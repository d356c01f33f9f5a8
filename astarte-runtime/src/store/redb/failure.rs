//! What goes wrong below the store, sorted by what follows from it.

use std::{any::Any, fmt, io, path::Path, sync::Arc};

use super::format;
use crate::store::StoreError;

/// An error of redb, or one of ours.
///
/// Everybody whose changes were in a failed transaction is told the same one, so it is shared.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    kind: Kind,
    source: Arc<Source>,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The file is not what was written.
    Damaged,
    /// No space.
    Full,
    /// Another one has the file.
    InUse,
    /// A newer version of this crate wrote the file, in this format.
    Newer(u32),
    /// An earlier failure; the database must be opened anew.
    Stale,
    /// Any other.
    Other,
    /// The changes of one caller, which nobody else is to blame for.
    Refused,
}

#[derive(Debug)]
enum Source {
    Panic(String),
    Redb(redb::Error),
    Text(String),
}

impl Failure {
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self {
            kind: Kind::Refused,
            source: Arc::new(Source::Text(why.into())),
        }
    }

    pub(super) fn damaged(why: impl Into<String>) -> Self {
        Self {
            kind: Kind::Damaged,
            source: Arc::new(Source::Text(why.into())),
        }
    }

    /// The database must be opened anew, because another call has failed.
    pub(super) fn stale() -> Self {
        redb::StorageError::PreviousIo.into()
    }

    pub(super) fn newer(format: u32) -> Self {
        Self {
            kind: Kind::Newer(format),
            source: Arc::new(Source::Text(format!("format {format} is newer"))),
        }
    }

    /// redb panics on some pages that it did not write.
    pub(super) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self {
            kind: Kind::Damaged,
            source: Arc::new(Source::Panic(text.unwrap_or_default())),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The error of opening a file.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match Arc::try_unwrap(self.source) {
            Ok(Source::Redb(redb::Error::Io(source))) if self.kind == Kind::Other => {
                StoreError::Open {
                    path: path.display().to_string(),
                    source,
                }
            }
            Ok(source) => Self {
                kind: self.kind,
                source: Arc::new(source),
            }
            .into(),
            Err(source) => Self {
                kind: self.kind,
                source,
            }
            .into(),
        }
    }
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        Self {
            kind: kind(&error),
            source: Arc::new(Source::Redb(error)),
        }
    }
}

fn kind(error: &redb::Error) -> Kind {
    match error {
        redb::Error::Corrupted(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => Kind::Damaged,
        redb::Error::Io(error) => match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Kind::Full,
            // Not a redb file, and one that is shorter than it says.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Kind::Damaged,
            _ => Kind::Other,
        },
        redb::Error::DatabaseAlreadyOpen => Kind::InUse,
        redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::LockPoisoned(_) => {
            Kind::Stale
        }
        redb::Error::ValueTooLarge(_) => Kind::Refused,
        _ => Kind::Other,
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            Kind::Damaged => Self::Damaged(Box::new(failure)),
            Kind::Full => Self::Full(Box::new(failure)),
            Kind::InUse => Self::InUse,
            Kind::Newer(found) => Self::Format {
                found,
                supported: format::CURRENT,
            },
            Kind::Other | Kind::Stale => Self::Backend(Box::new(failure)),
            Kind::Refused => Self::Refused(failure.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source.as_ref() {
            Source::Panic(text) => write!(f, "redb panicked: {text}"),
            Source::Redb(error) => error.fmt(f),
            Source::Text(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.source.as_ref() {
            // Its own text is told above.
            Source::Redb(error) => error.source(),
            Source::Panic(_) | Source::Text(_) => None,
        }
    }
}

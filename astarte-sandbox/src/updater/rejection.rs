//! Why a message is refused.

use crate::error_name::ErrorName;

/// An error of the catalogue on its way to the device.
pub(crate) struct Rejection {
    pub(crate) name: ErrorName,
    pub(crate) interface: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) detail: String,
    pub(crate) would_wedge: bool,
}

impl Rejection {
    pub(crate) fn new(name: ErrorName, detail: impl Into<String>) -> Rejection {
        Rejection {
            name,
            interface: None,
            path: None,
            detail: detail.into(),
            would_wedge: false,
        }
    }

    /// An input on which the real server fails again and again instead of reporting it.
    pub(crate) fn wedging(name: ErrorName, detail: impl Into<String>) -> Rejection {
        Rejection {
            would_wedge: true,
            ..Rejection::new(name, detail)
        }
    }

    pub(crate) fn on(self, interface: &str) -> Rejection {
        Rejection {
            interface: Some(interface.to_owned()),
            ..self
        }
    }

    pub(crate) fn at(self, path: &str) -> Rejection {
        Rejection {
            path: Some(path.to_owned()),
            ..self
        }
    }

    pub(crate) fn kicks(&self) -> bool {
        self.name != ErrorName::UnsetOnDatastream
    }

    pub(crate) fn has_event(&self) -> bool {
        self.name != ErrorName::PurgePropertiesError
    }
}

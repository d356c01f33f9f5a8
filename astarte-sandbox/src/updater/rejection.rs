//! Why a message is refused.

use astarte_interface::{Interface, Mapping, Span};

use crate::error_name::ErrorName;
use crate::event::Declaration;

/// An error of the catalogue on its way to the device.
pub(crate) struct Rejection {
    pub(crate) name: ErrorName,
    pub(crate) interface: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) detail: String,
    pub(crate) declaration: Option<Box<Declaration>>,
    pub(crate) would_wedge: bool,
}

impl Rejection {
    pub(crate) fn new(name: ErrorName, detail: impl Into<String>) -> Rejection {
        Rejection {
            name,
            interface: None,
            path: None,
            detail: detail.into(),
            declaration: None,
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

    /// Points at the place of the interface that the message broke.
    pub(crate) fn declared(self, interface: &Interface, span: Span) -> Rejection {
        let declaration = Some(Box::new(Declaration::new(interface.source(), span)));
        Rejection {
            declaration,
            ..self
        }
    }

    /// Points at a mapping that may have been meant, if there is one, and else at the interface.
    pub(crate) fn suggesting(self, interface: &Interface, close: Option<Mapping<'_>>) -> Rejection {
        let Some(mapping) = close else {
            return self.declared(interface, interface.name_span());
        };
        let detail = format!("{}; there is `{}`", self.detail, mapping.endpoint());
        Rejection { detail, ..self }.declared(interface, mapping.endpoint_span())
    }

    /// Whether the connection ends; where the real server would be stuck it does in any case.
    pub(crate) fn kicks(&self) -> bool {
        self.name != ErrorName::UnsetOnDatastream || self.would_wedge
    }

    pub(crate) fn has_event(&self) -> bool {
        self.name != ErrorName::PurgePropertiesError
    }
}

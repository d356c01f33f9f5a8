//! The end of a device, for all who hold a part of it.

use std::sync::Arc;

use super::{ConnectError, shared::Shared};
use crate::outbox::Mode;

/// The life of a device: dropped, it ends for all handles.
///
/// It goes from the builder to the task that owns the socket, so that a `connect` that fails, a builder that is dropped,
/// a panic and the end of a runtime all leave handles that say so, and none that waits for ever.
#[derive(Debug)]
pub(crate) struct Life {
    shared: Arc<Shared>,
}

impl Life {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Ends it, for this reason where there is one. The first reason counts.
    pub(crate) fn end(&self, error: Option<ConnectError>) {
        self.shared.set_connected(false);
        self.shared.ended(error);
        self.shared.outbox.set_mode(Mode::Closed);
        self.shared.close_store();
        self.shared.registry.end();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.end(None);
    }
}

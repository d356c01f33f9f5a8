//! From the type of an interface to its handle.

use std::sync::Arc;

use super::{interfaces::Registered, shared::Shared};
use crate::{
    Descriptor,
    error::DecodeError,
    inbox::{Decoder, Inbox, Reader},
};

/// Gathers the interfaces whose handles were made: all of a builder, or one that is added later.
#[doc(hidden)]
#[derive(Debug)]
pub struct Registrar {
    shared: Arc<Shared>,
    pub(super) registered: Vec<Registered>,
}

impl Registrar {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            registered: Vec::new(),
        }
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Registers an interface of which nothing is received.
    pub(crate) fn register_sender(&mut self, descriptor: Descriptor) -> Arc<Shared> {
        self.registered.push(Registered {
            descriptor,
            inbox: None,
        });
        self.shared()
    }

    /// Registers an interface that the device receives on.
    pub(crate) fn register_receiver<E: Send + 'static>(
        &mut self,
        descriptor: Descriptor,
        message: Reader<E>,
        purged: fn(&str, &str) -> Result<E, DecodeError>,
    ) -> Arc<Inbox<E>> {
        self.register_receivers(&[descriptor], Decoder { message, purged })
    }

    /// Registers interfaces whose messages go to one receiver.
    pub(super) fn register_receivers<E: Send + 'static>(
        &mut self,
        descriptors: &[Descriptor],
        decoder: Decoder<E>,
    ) -> Arc<Inbox<E>> {
        let inbox = self.shared.inbox(decoder);
        for descriptor in descriptors {
            self.registered.push(Registered {
                descriptor: *descriptor,
                inbox: Some(Arc::clone(&inbox) as _),
            });
        }
        inbox
    }
}

//! Reading server-owned properties.

use std::{marker::PhantomData, sync::Arc};

use thiserror::Error;

use super::sender;
use crate::{
    Decode, Endpoint, Interface, PathWriter, PropertyEvents, WritePath,
    device::Shared,
    error::{DecodeError, ParamError},
    payload::Payload,
    store::{State, StoreError},
};

/// Reads what is stored of server-owned properties, and receives nothing.
pub struct PropertyCache<I> {
    shared: Arc<Shared>,
    interface: PhantomData<fn() -> I>,
}

sender!(PropertyCache);

/// A property could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// What is stored does not fit the interface. Setting the property anew mends it.
    #[error("the stored value of `{path}` does not fit its mapping: {source}")]
    Decode {
        /// The path.
        path: String,
        /// What does not fit.
        source: DecodeError,
    },
    /// A parameter cannot be part of a path.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The interface was removed from the device, or replaced by another major version.
    #[error("the interface `{interface}` was removed from the device")]
    Removed {
        /// The name of the interface.
        interface: &'static str,
    },
    /// The store failed, or is not open.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<I: Interface> PropertyCache<I> {
    /// Reads a property; `None` where it is not set.
    ///
    /// # Errors
    ///
    /// - A parameter cannot be part of a path.
    /// - The store cannot be read, or is not open: it opens when `connect` is first awaited.
    pub fn get<E>(&self, endpoint: E) -> Result<Option<E::Owned>, PropertyError>
    where
        E: Endpoint<I> + WritePath,
    {
        load::<I, E>(&self.shared, &endpoint)
    }
}

impl<I: PropertyEvents> PropertyCache<I> {
    /// Reads every property that is set, as the events that set them, by path.
    ///
    /// # Errors
    ///
    /// - The store cannot be read, or is not open: it opens when `connect` is first awaited.
    pub fn all(&self) -> Result<Vec<I::Event>, PropertyError> {
        check_present::<I>(&self.shared)?;
        let rows = self
            .shared
            .store()?
            .load_interface(I::DESCRIPTOR.name, I::DESCRIPTOR.version.major)?;
        let events = rows.into_iter().map(|row| {
            let decoded =
                Payload::parse(&row.payload).and_then(|payload| I::decode(&row.path, payload));
            decoded.map_err(|source| PropertyError::Decode {
                path: row.path.into_owned(),
                source,
            })
        });
        events.collect()
    }
}

/// The rows of an interface that was removed may still be there.
fn check_present<I: Interface>(shared: &Shared) -> Result<(), PropertyError> {
    let interface = I::DESCRIPTOR.id();
    if shared.outbox.is_retired(interface) {
        let interface = interface.name;
        return Err(PropertyError::Removed { interface });
    }
    Ok(())
}

/// Reads one property from the store.
pub(super) fn load<I: Interface, E: Endpoint<I> + WritePath>(
    shared: &Shared,
    endpoint: &E,
) -> Result<Option<E::Owned>, PropertyError> {
    check_present::<I>(shared)?;
    let mut path = String::new();
    let mut writer = PathWriter::new(&mut path);
    endpoint.write_path(&mut writer);
    writer.finish()?;
    let stored = shared
        .store()?
        .load(I::DESCRIPTOR.name, I::DESCRIPTOR.version.major, &path)?;
    let Some(row) = stored.filter(|row| row.state != State::Unset) else {
        return Ok(None);
    };
    let decoded =
        Payload::parse(&row.payload).and_then(|payload| E::Owned::decode(payload.value()?));
    decoded
        .map(Some)
        .map_err(|source| PropertyError::Decode { path, source })
}

//! The stores of a device, and how they are called.

use std::sync::Arc;

use super::shared::Shared;
use crate::{
    Config,
    store::{MemoryStore, PropertyStore, RetentionStore, SessionStore, Store, StoreError},
};
#[cfg(feature = "redb")]
use crate::{
    status::Status,
    store::{Recovered, RedbStore},
};

/// What a device keeps, in one store or in several.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) properties: Arc<dyn PropertyStore>,
    pub(crate) retention: Arc<dyn RetentionStore>,
    pub(crate) session: Arc<dyn SessionStore>,
}

impl Stores {
    pub(crate) fn new(store: impl PropertyStore + RetentionStore + SessionStore) -> Self {
        let store = Arc::new(store);
        Self {
            properties: Arc::clone(&store) as _,
            retention: Arc::clone(&store) as _,
            session: store,
        }
    }

    /// Opens the stores that the settings name.
    pub(super) async fn open(config: &Config, shared: &Shared) -> Result<Self, StoreError> {
        let mut stores = match &config.stores {
            Some(stores) => stores.clone(),
            None => Self::in_directory(config, shared).await?,
        };
        if let Some(properties) = &config.property_store {
            stores.properties = Arc::clone(properties);
        }
        Ok(stores)
    }

    #[cfg(feature = "redb")]
    async fn in_directory(config: &Config, shared: &Shared) -> Result<Self, StoreError> {
        let Some(directory) = &config.directory else {
            return Ok(Self::new(MemoryStore::new()));
        };
        let file = directory.join(format!("{}-{}.redb", config.realm, config.device_id));
        let opening = tokio::task::spawn_blocking(move || RedbStore::open_or_recover(file));
        let (store, recovered) = opening
            .await
            .map_err(|error| StoreError::Backend(Box::new(error)))??;
        if let Some(Recovered { moved_to, reason }) = recovered {
            shared
                .status
                .tell(Status::StoreRecovered { moved_to, reason });
        }
        Ok(Self::new(store))
    }

    #[cfg(not(feature = "redb"))]
    async fn in_directory(_: &Config, _: &Shared) -> Result<Self, StoreError> {
        Ok(Self::new(MemoryStore::new()))
    }
}

/// Calls a store where it does not stop the runtime.
pub(crate) async fn run_on<S: Store + ?Sized, T: Send + 'static>(
    store: &Arc<S>,
    work: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    if !store.blocks() {
        return work(store);
    }
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store))
        .await
        .unwrap_or_else(|error| Err(StoreError::Backend(Box::new(error))))
}

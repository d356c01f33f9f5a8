//! Which devices the realm knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use astarte_interface::{DeviceId, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::core::Core;
use crate::event::{Disconnection, EventKind};
use crate::slot::Registration;
use crate::updater::Context;

/// The device was not registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The device is registered and has had a certificate; it must be unregistered first.
    #[error("the device is registered already")]
    AlreadyRegistered,
    /// The operating system has no random numbers.
    #[error("the operating system provides no random numbers")]
    Random,
}

/// Returns the id of a new device, a version 4 UUID.
pub(crate) fn random_id() -> Result<DeviceId, RegisterError> {
    let mut bytes: [u8; 16] = random()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(DeviceId::from_bytes(bytes))
}

/// Registers a device, or registers it again while it is pending, and returns its new secret.
pub(crate) fn register(
    core: &Arc<Core>,
    id: DeviceId,
    introspection: BTreeMap<String, Version>,
) -> Result<String, RegisterError> {
    let secret = STANDARD.encode(random::<32>()?);
    let slot = core.slot(id);
    slot.update(core, |state| {
        if state
            .registration
            .as_ref()
            .is_some_and(|registration| registration.confirmed)
        {
            return Err(RegisterError::AlreadyRegistered);
        }
        let secret = Some(secret.clone());
        state.registration = Some(Registration {
            secret,
            inhibited: false,
            confirmed: false,
        });
        state.introspection = introspection;
        core.emit(id, EventKind::Registered);
        Ok(())
    })?;
    Ok(secret)
}

/// Voids the secret of a device; its data, its session and its certificates stay. Returns whether
/// the device is known.
pub(crate) fn unregister(core: &Arc<Core>, id: DeviceId) -> bool {
    let Some(slot) = core.known_slot(id) else {
        return false;
    };
    slot.update(core, |state| {
        let Some(registration) = &mut state.registration else {
            return false;
        };
        registration.secret = None;
        registration.confirmed = false;
        core.emit(id, EventKind::Unregistered);
        true
    })
}

/// Deletes a device with all its data and closes its connection. Returns whether the device was
/// known.
pub(crate) fn delete(core: &Arc<Core>, id: DeviceId) -> bool {
    let Some(slot) = core.known_slot(id) else {
        return false;
    };
    slot.update(core, |state| {
        if state.registration.take().is_none() {
            return false;
        }
        Context {
            core,
            slot: &slot,
            state,
        }
        .kick(Disconnection::Requested);
        state.forget(&core.settings);
        core.emit(id, EventKind::Deleted);
        true
    })
}

fn random<const N: usize>() -> Result<[u8; N], RegisterError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| RegisterError::Random)?;
    Ok(bytes)
}

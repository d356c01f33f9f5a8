//! The pairing API: how a device gets its secret, its certificate and the address of the broker.

mod agent;
mod device;

use std::sync::Arc;

use hyper::Method;
use serde_json::json;

use crate::core::Core;
use crate::fault::PairingRoute;
use crate::http::{Reply, Request};

/// Answers a request below `/pairing`.
pub(crate) fn route(core: &Arc<Core>, request: &Request, segments: &[&str]) -> Reply {
    match (request.method(), segments) {
        (&Method::GET, ["version"]) => Reply::data(200, json!(core.settings.version.release())),
        (&Method::GET, ["health"] | ["v1", _, "health"]) => Reply::empty(200),
        (&Method::GET, ["metrics"]) => metrics(core),
        (_, ["v1", realm, rest @ ..]) => match Route::find(request.method(), rest) {
            Some(_) if !request.accepts_json() => Reply::detail(406, "Not acceptable"),
            Some(_) if *realm != core.settings.realm => Reply::forbidden(),
            Some(route) => route.answer(core, request).unwrap_or_else(|error| error),
            None => Reply::not_found(),
        },
        _ => Reply::not_found(),
    }
}

/// Returns which route of a realm a request takes, if it takes one.
pub(crate) fn identify(request: &Request) -> Option<PairingRoute> {
    match request.segments().as_slice() {
        ["pairing", "v1", _, rest @ ..] => Some(Route::find(request.method(), rest)?.kind()),
        _ => None,
    }
}

/// The routes of a realm.
enum Route<'r> {
    Credentials { device: &'r str, protocol: &'r str },
    Info { device: &'r str },
    Register,
    Unregister { device: &'r str },
    Verify { device: &'r str, protocol: &'r str },
    Version,
}

impl<'r> Route<'r> {
    fn find(method: &Method, segments: &[&'r str]) -> Option<Route<'r>> {
        match (method, segments) {
            (&Method::GET, ["version"]) => Some(Route::Version),
            (&Method::POST, ["agent", "devices"]) => Some(Route::Register),
            (&Method::DELETE, ["agent", "devices", device]) => Some(Route::Unregister { device }),
            (&Method::GET, ["devices", device]) => Some(Route::Info { device }),
            (&Method::POST, ["devices", device, "protocols", protocol, "credentials"]) => {
                Some(Route::Credentials { device, protocol })
            }
            (
                &Method::POST,
                [
                    "devices",
                    device,
                    "protocols",
                    protocol,
                    "credentials",
                    "verify",
                ],
            ) => Some(Route::Verify { device, protocol }),
            _ => None,
        }
    }

    fn kind(&self) -> PairingRoute {
        match self {
            Route::Credentials { .. } => PairingRoute::Credentials,
            Route::Info { .. } => PairingRoute::Info,
            Route::Register => PairingRoute::Register,
            Route::Unregister { .. } => PairingRoute::Unregister,
            Route::Verify { .. } => PairingRoute::Verify,
            Route::Version => PairingRoute::Version,
        }
    }

    /// Answers; the error is an answer too.
    fn answer(self, core: &Arc<Core>, request: &Request) -> Result<Reply, Reply> {
        match self {
            Route::Credentials { device, protocol } => {
                device::credentials(core, request, device, protocol)
            }
            Route::Info { device } => device::info(core, request, device),
            Route::Register => agent::register(core, request),
            Route::Unregister { device } => agent::unregister(core, request, device),
            Route::Verify { device, protocol } => device::verify(core, request, device, protocol),
            Route::Version => Ok(Reply::data(200, json!(core.settings.version.release()))),
        }
    }
}

fn metrics(core: &Core) -> Reply {
    let slots = core.all_slots();
    let registered = slots
        .iter()
        .filter(|slot| slot.state().registration.is_some())
        .count();
    Reply::text(format!(
        "# TYPE astarte_devices gauge\nastarte_devices {registered}\n"
    ))
}

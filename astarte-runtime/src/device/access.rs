//! From the settings of a device to a broker and a TLS configuration.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::time::Instant;

use super::{ConnectError, connection::End, shared::Shared};
use crate::{Config, clock::Clock, config::Access};

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Arc<ClientConfig>,
}

/// Finds the route, again and again where it may change.
#[derive(Debug)]
pub(crate) enum Resolver {
    /// It was given.
    Given(Route),
    /// The pairing API tells it.
    #[cfg(feature = "pairing")]
    Pairing(Box<super::paired::Paired>),
}

#[cfg_attr(
    not(feature = "pairing"),
    allow(unused_variables, reason = "what was given does not change")
)]
impl Resolver {
    pub(crate) fn new(
        config: &Config,
        clock: Clock,
        shared: &Arc<Shared>,
    ) -> Result<Self, ConnectError> {
        match &config.access {
            Access::Unset => Err(ConnectError::Config {
                setting: "pairing",
                expected: "given, or else `broker`",
            }),
            Access::Broker { url, credentials } => {
                let (host, port) =
                    address(url).ok_or_else(|| ConnectError::BrokerUrl { url: url.clone() })?;
                clock.at_least(credentials.not_before());
                let tls = config.tls.client_config(Some(credentials), &clock)?;
                Ok(Self::Given(Route { host, port, tls }))
            }
            #[cfg(feature = "pairing")]
            Access::Pairing { url, proof } => {
                let shared = Arc::clone(shared);
                let paired = super::paired::Paired::new(url, proof.clone(), config, clock, shared)?;
                Ok(Self::Pairing(Box::new(paired)))
            }
        }
    }

    /// Finds the route; `refresh` asks for what may have changed since the last time.
    pub(crate) async fn route(&mut self, refresh: bool) -> Result<Route, End> {
        match self {
            Self::Given(route) => Ok(route.clone()),
            #[cfg(feature = "pairing")]
            Self::Pairing(paired) => paired.route(refresh).await,
        }
    }

    /// Judges a broker's word that the device is not authorized: an error where trying again is useless.
    pub(crate) async fn check_refusal(&self) -> Result<(), ConnectError> {
        match self {
            // Nobody can be asked, and a database that the broker cannot reach looks the same.
            Self::Given(_) => Ok(()),
            #[cfg(feature = "pairing")]
            Self::Pairing(paired) => Ok(paired.check_refusal().await?),
        }
    }

    /// Notes that the broker refuses the certificate.
    pub(crate) fn certificate_refused(&mut self) {
        match self {
            Self::Given(_) => {}
            #[cfg(feature = "pairing")]
            Self::Pairing(paired) => paired.certificate_refused(),
        }
    }

    /// Notes that the device is connected, and renews the certificate where it is time.
    pub(crate) fn in_use(&mut self) {
        match self {
            Self::Given(_) => {}
            #[cfg(feature = "pairing")]
            Self::Pairing(paired) => paired.in_use(),
        }
    }

    /// When [`in_use`](Self::in_use) is to be called again at the latest.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        match self {
            Self::Given(_) => None,
            #[cfg(feature = "pairing")]
            Self::Pairing(paired) => paired.next_look(),
        }
    }

    /// Waits until there is another certificate to connect with. Cancel safe.
    pub(crate) async fn renewed(&mut self) {
        match self {
            Self::Given(_) => std::future::pending().await,
            #[cfg(feature = "pairing")]
            Self::Pairing(paired) => paired.renewed().await,
        }
    }
}

/// The host and port of `mqtts://host:port/`; the port is 8883 where there is none.
pub(crate) fn address(url: &str) -> Option<(String, u16)> {
    const MQTT_OVER_TLS: u16 = 8883;
    let rest = url.strip_prefix("mqtts://")?;
    let authority = rest
        .split_once('/')
        .map_or(rest, |(authority, _)| authority);
    let (host, port) = match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, "")) => (address, None),
        Some((address, port)) => (address, Some(port.strip_prefix(':')?)),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.map_or(Ok(MQTT_OVER_TLS), str::parse).ok()?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_maybe_a_port() {
        let found = |url| address(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(
            found("mqtts://broker.example:1234/").as_deref(),
            Some("broker.example 1234")
        );
        assert_eq!(
            found("mqtts://broker.example").as_deref(),
            Some("broker.example 8883")
        );
        assert_eq!(found("mqtts://[::1]:1234").as_deref(), Some("::1 1234"));
        for url in [
            "mqtt://broker.example",
            "mqtts://",
            "mqtts://:1",
            "mqtts://a:b",
            "mqtts://a:70000",
            "broker:1",
        ] {
            assert_eq!(found(url), None, "{url}");
        }
    }
}

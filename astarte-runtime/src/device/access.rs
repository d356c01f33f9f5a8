//! From the settings of a device to a broker and a TLS configuration.

use std::sync::Arc;

use rustls::ClientConfig;

use super::{ConnectError, connection::End};
use crate::{Config, config::Access};

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
    Pairing {
        pairing: Box<crate::pairing::Pairing>,
        tls: crate::tls::Tls,
        /// The last route: the TLS configuration keeps sessions to resume.
        last: Option<Route>,
    },
}

impl Resolver {
    pub(crate) fn new(config: &Config) -> Result<Self, ConnectError> {
        match &config.access {
            Access::Unset => Err(ConnectError::Config {
                setting: "pairing",
                expected: "given, or else `broker`",
            }),
            Access::Broker { url, credentials } => {
                let (host, port) =
                    address(url).ok_or_else(|| ConnectError::BrokerUrl { url: url.clone() })?;
                let tls = config.tls.client_config(Some(credentials))?;
                Ok(Self::Given(Route { host, port, tls }))
            }
            #[cfg(feature = "pairing")]
            Access::Pairing { url, secret } => {
                let Config {
                    realm,
                    device_id,
                    tls,
                    directory,
                    ..
                } = config;
                let pairing = crate::pairing::Pairing::new(
                    url,
                    realm,
                    *device_id,
                    secret.clone(),
                    tls,
                    directory.as_deref(),
                )?;
                Ok(Self::Pairing {
                    pairing: Box::new(pairing),
                    tls: config.tls.clone(),
                    last: None,
                })
            }
        }
    }

    /// Finds the route; `refresh` asks for what may have changed since the last time.
    #[cfg_attr(
        not(feature = "pairing"),
        allow(unused_variables, reason = "what was given does not change")
    )]
    pub(crate) async fn route(&mut self, refresh: bool) -> Result<Route, End> {
        match self {
            Self::Given(route) => Ok(route.clone()),
            #[cfg(feature = "pairing")]
            Self::Pairing {
                last: Some(route), ..
            } if !refresh => Ok(route.clone()),
            #[cfg(feature = "pairing")]
            Self::Pairing { pairing, tls, last } => {
                let connection = pairing.connection(refresh).await.map_err(pairing_failed)?;
                let url = connection.broker_url;
                let Some((host, port)) = address(&url) else {
                    return Err(End::Fatal(ConnectError::BrokerUrl { url }));
                };
                let tls = tls.client_config(Some(&connection.credentials));
                let tls = tls.map_err(|error| End::Fatal(error.into()))?;
                Ok(last.insert(Route { host, port, tls }).clone())
            }
        }
    }

    /// Judges a broker's word that the device is not authorized: an error where trying again is useless.
    pub(crate) async fn check_refusal(&self) -> Result<(), ConnectError> {
        match self {
            // Nobody can be asked, and a database that the broker cannot reach looks the same.
            Self::Given(_) => Ok(()),
            #[cfg(feature = "pairing")]
            Self::Pairing { pairing, .. } => Ok(pairing.check_refusal().await?),
        }
    }
}

/// Pairing is tried again where that can help.
#[cfg(feature = "pairing")]
fn pairing_failed(error: crate::pairing::PairingError) -> End {
    if error.is_permanent() {
        return End::Fatal(error.into());
    }
    End::Broken(super::link::LinkError::Pairing(super::describe(&error)))
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

//! The settings of a client.

use std::{sync::Arc, time::Duration};

use reqwest::{Url, redirect};

use super::Client;
use crate::{
    Realm, Tls,
    clock::{Clock, TimeSource},
    pairing::PairingError,
};

/// The settings of a [`Client`].
#[derive(Clone, Debug)]
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder {
    url: String,
    realm: Realm,
    tls: Tls,
    clock: Clock,
    timeout: Duration,
    attempts: u32,
    pause: Duration,
    proxy: bool,
}

impl ClientBuilder {
    pub(super) fn new(url: &str, realm: &Realm) -> Self {
        Self {
            url: url.to_owned(),
            realm: realm.clone(),
            tls: Tls::default(),
            clock: Clock::default(),
            timeout: Duration::from_secs(30),
            attempts: 3,
            pause: Duration::from_millis(500),
            proxy: false,
        }
    }

    /// What is trusted; the certificates of the platform by default.
    pub fn tls(mut self, tls: &Tls) -> Self {
        self.tls = tls.clone();
        self
    }

    /// Asks this source for the time, to check certificates and to make tokens; the clock of the system by default.
    pub fn time_source(self, source: impl TimeSource) -> Self {
        self.clock(Clock::new(Arc::new(source)))
    }

    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long one attempt may take in all, from the connection to the end of the answer; 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a request is sent at most, while the server cannot be reached or fails; 3 by default, and at least
    /// once. What the server refuses is not repeated.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long the longest pause before the second attempt is; 500 ms by default. It doubles from attempt to attempt
    /// up to 30 s, and each pause is a random part of it, at least half.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Uses the proxy that the environment names, `HTTPS_PROXY` and its like. By default the environment has no say.
    pub fn proxy_from_environment(mut self) -> Self {
        self.proxy = true;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// - [`PairingError::Url`]: the URL is not `http` or `https`, or has a query, a fragment or a password.
    /// - [`PairingError::Tls`]: the TLS settings cannot be used.
    pub fn build(self) -> Result<Client, PairingError> {
        let base = base(&self.url, &self.realm)?;
        let config = self.tls.client_config(None, &self.clock)?;
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&config))
            .redirect(redirect::Policy::none())
            .timeout(self.timeout)
            .user_agent(concat!("astarte-runtime/", env!("CARGO_PKG_VERSION")));
        if !self.proxy {
            http = http.no_proxy();
        }
        Ok(Client {
            http: http.build()?,
            base,
            realm: self.realm,
            clock: self.clock,
            attempts: self.attempts,
            pause: self.pause,
        })
    }
}

/// The URL up to and with the realm, without a slash at the end.
fn base(url: &str, realm: &Realm) -> Result<String, PairingError> {
    let refused = |url: &str, reason| PairingError::Url {
        url: url.to_owned(),
        reason,
    };
    let mut parsed = Url::parse(url).map_err(|_| {
        refused(
            url,
            "which must begin with `https://` or `http://` and a host",
        )
    })?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        // A URL with a user and host always takes their removal.
        let _ = parsed.set_password(None);
        let _ = parsed.set_username("");
        return Err(refused(
            parsed.as_str(),
            "which must not have a user or password",
        ));
    }
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(refused(
            url,
            "which must begin with `https://` or `http://`",
        ));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(refused(url, "which must not have a query or fragment"));
    }
    Ok(format!(
        "{}/v1/{realm}",
        parsed.as_str().trim_end_matches('/')
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_join_without_doubled_slashes() {
        let realm = "test".parse().unwrap();
        for (url, joined) in [
            ("http://localhost:4003", "http://localhost:4003/v1/test"),
            ("http://localhost:4003/", "http://localhost:4003/v1/test"),
            (
                "https://a.example/pairing",
                "https://a.example/pairing/v1/test",
            ),
            (
                "https://a.example/pairing//",
                "https://a.example/pairing/v1/test",
            ),
            ("HTTPS://a.example:443", "https://a.example/v1/test"),
        ] {
            assert_eq!(base(url, &realm).unwrap(), joined);
        }
    }

    #[test]
    fn other_urls_are_refused_without_their_password() {
        let realm = "test".parse().unwrap();
        for url in [
            "",
            "localhost:4003",
            "ftp://a",
            "https://",
            "https://a?b",
            "https://a#b",
            "/pairing",
        ] {
            assert!(
                matches!(base(url, &realm), Err(PairingError::Url { .. })),
                "{url}"
            );
        }
        let error = base("https://me:swordfish@a.example/", &realm).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("swordfish"));
    }
}

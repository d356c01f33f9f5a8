//! What can go wrong with pairing.

use std::{
    fmt::{self, Write as _},
    io,
};

use thiserror::Error;

use super::token::RealmKeyError;
use crate::{clock::ClockError, credentials::CredentialsError, tls::TlsError};

/// Pairing failed.
///
/// What the server said is kept word for word, and never holds the device's secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PairingError {
    /// The device has already obtained a certificate, and cannot be registered again.
    #[error(
        "the device is already registered and has obtained a certificate: use its credentials secret, or unregister it \
         first (the server said: {0})"
    )]
    AlreadyRegistered(Answer),
    /// The server gave a certificate that the device cannot use: malformed, or for another key.
    #[error("the server gave a certificate that cannot be used")]
    Certificate(#[from] CredentialsError),
    /// A certificate of the server does not fit the device's clock.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The server gave a certificate for somebody else.
    #[error(
        "the server gave a certificate for `{}`, the device is `{expected}`",
        Line(found)
    )]
    CommonName {
        /// The common name in the certificate.
        found: String,
        /// `<realm>/<device id>`.
        expected: String,
    },
    /// The realm has no such device.
    #[error("the realm has no device of this id: register it first (the server said: {0})")]
    DeviceNotFound(Answer),
    /// The server does not let the token register devices.
    #[error(
        "the server refuses the token: it has expired, is not valid yet (is the clock right?), does not permit this in \
         its claim `a_pa`, or the realm has no public key (the server said: {0})"
    )]
    Forbidden(Answer),
    /// The device may not obtain certificates: somebody inhibited its credentials.
    #[error("the credentials of the device are inhibited: enable them on the server")]
    Inhibited,
    /// A key could not be made, or does not sign.
    #[error("the key of the device could not be made or used")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the server said makes no sense: the URL may be that of another service.
    #[error(
        "the server's answer is not one of the pairing API, check its URL: {} (the server said: {answer})",
        Line(reason)
    )]
    Malformed {
        /// What is wrong with it.
        reason: String,
        /// What the server said; empty where it may hold a secret.
        answer: Answer,
    },
    /// There is nothing at this URL.
    #[error("there is no pairing API at the URL, check its path (the server said: {0})")]
    NotFound(Answer),
    /// The realm's key cannot sign.
    #[error(transparent)]
    RealmKey(#[from] RealmKeyError),
    /// The server sends the request elsewhere, and a secret is not sent along.
    #[error("the server redirects to `{location}`: use that URL, if it is the right one")]
    Redirect {
        /// Where to.
        location: String,
    },
    /// The server does not take the credentials secret.
    #[error(
        "the server refuses the credentials secret: it is wrong, or the device was registered anew or unregistered (the \
         server said: {0})"
    )]
    SecretRefused(Answer),
    /// The server failed, or says something that this version does not know.
    #[error("the server failed (it said: {0})")]
    Server(Answer),
    /// The credentials could not be kept, or those that are kept could not be read.
    #[error("the device's credentials could not be read or kept")]
    Store(#[from] io::Error),
    /// The server did not answer in time.
    #[error("the pairing API did not answer in time")]
    Timeout(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The TLS settings cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The token or the secret cannot be sent: it is empty, or has characters that an HTTP header cannot have.
    #[error(
        "the {what} cannot be sent: it is empty, or holds spaces, line ends or characters outside of ASCII"
    )]
    Unsendable {
        /// `token` or `credentials secret`.
        what: &'static str,
    },
    /// The server did not find, or did not take, the token or the secret.
    #[error(
        "the server does not take the authorization: the token is no JWT or not signed by the key of the realm, or \
         something on the way removed the header `Authorization` (the server said: {0})"
    )]
    Unauthorized(Answer),
    /// The server has no such realm.
    #[error("the server has no realm of this name (it said: {0})")]
    UnknownRealm(Answer),
    /// The server could not be reached, or closed the connection.
    #[error("the pairing API could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The URL of the pairing API is not one.
    #[error("the URL of the pairing API is `{url}`, {reason}")]
    Url {
        /// What it is, without a password.
        url: String,
        /// What it must be.
        reason: &'static str,
    },
    /// The server found the request invalid.
    #[error("the server finds the request invalid (it said: {0})")]
    Validation(Answer),
}

impl PairingError {
    /// Whether the same request would fail again, until somebody changes something.
    ///
    /// Only what Astarte itself says is final: a proxy or a captive portal on the way is not.
    pub fn is_permanent(&self) -> bool {
        !matches!(
            self,
            // A clock may be set at any time.
            Self::Clock(_)
                | Self::Malformed { .. }
                | Self::NotFound(_)
                | Self::Redirect { .. }
                | Self::Server(_)
                | Self::Timeout(_)
                | Self::Unreachable(_)
        )
    }

    /// What the server said, where it said something.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::AlreadyRegistered(answer)
            | Self::DeviceNotFound(answer)
            | Self::Forbidden(answer)
            | Self::Malformed { answer, .. }
            | Self::NotFound(answer)
            | Self::SecretRefused(answer)
            | Self::Server(answer)
            | Self::Unauthorized(answer)
            | Self::UnknownRealm(answer)
            | Self::Validation(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether the next attempt, a little later, may go better.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Unreachable(_) => true,
            // Too many requests, and everything that is the server's own fault.
            Self::Server(answer) => answer.status == 429 || answer.status >= 500,
            _ => false,
        }
    }
}

impl From<reqwest::Error> for PairingError {
    fn from(error: reqwest::Error) -> Self {
        // The URL is the caller's own, and may hold what should not be in a log.
        let error = error.without_url();
        if let Some(clock) = ClockError::find(&error) {
            return Self::Clock(clock);
        }
        if error.is_timeout() {
            Self::Timeout(Box::new(error))
        } else {
            Self::Unreachable(Box::new(error))
        }
    }
}

/// What a server answered. Displayed as its status and body, of which at most 300 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as text, as it came.
    pub body: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        let body = self.body.trim();
        if body.is_empty() {
            return Ok(());
        }
        write!(f, " {}", Line(body))
    }
}

/// The beginning of a text that comes from the server, on one line: it must not break out of a line of a log.
struct Line<'a>(&'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        self.0
            .chars()
            .take(SHOWN)
            .map(shown)
            .try_for_each(|c| f.write_char(c))
    }
}

/// Characters of such a text in a message.
const SHOWN: usize = 300;

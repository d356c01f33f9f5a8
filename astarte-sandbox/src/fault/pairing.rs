//! Wrong answers of the pairing API.

use std::sync::Mutex;
use std::time::Duration;

use crate::sync::lock;

/// A request to the pairing API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PairingRoute {
    /// A device asks for a certificate.
    Credentials,
    /// A device asks for its status and the address of the broker.
    Info,
    /// An agent registers a device.
    Register,
    /// An agent unregisters a device.
    Unregister,
    /// A device asks whether its certificate is valid.
    Verify,
    /// Somebody asks for the version of the realm's server.
    Version,
}

/// What the pairing API answers in place of the truth.
///
/// # Examples
///
/// ```
/// use astarte_sandbox::{PairingFault, PairingRoute, Sandbox};
///
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// let sandbox = Sandbox::start().await?;
/// sandbox.fail_pairing(PairingFault::status(503).on(PairingRoute::Credentials).times(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to a sandbox"]
pub struct PairingFault {
    route: Option<PairingRoute>,
    answer: Answer,
    delay: Duration,
    remaining: usize,
}

/// How a request is answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Close,
    Status(u16, Option<String>),
    Truth,
}

impl PairingFault {
    /// Closes the connection without an answer; the request has no effect.
    pub fn close() -> PairingFault {
        PairingFault::new(Answer::Close)
    }

    /// Answers as it should be, but after a time.
    pub fn delay(delay: Duration) -> PairingFault {
        PairingFault {
            delay,
            ..PairingFault::new(Answer::Truth)
        }
    }

    /// Answers with an HTTP status from 100 to 999 and an error in the form of the server; the
    /// request has no effect. What is not a status becomes 500.
    pub fn status(status: u16) -> PairingFault {
        PairingFault::new(Answer::Status(status, None))
    }

    /// Answers with a status and any text as the body, in the guise of JSON.
    pub fn body(status: u16, body: impl Into<String>) -> PairingFault {
        PairingFault::new(Answer::Status(status, Some(body.into())))
    }

    /// Concerns one route alone; every route by default.
    pub fn on(self, route: PairingRoute) -> PairingFault {
        PairingFault {
            route: Some(route),
            ..self
        }
    }

    /// Answers after a time; at once by default.
    pub fn after(self, delay: Duration) -> PairingFault {
        PairingFault { delay, ..self }
    }

    /// Concerns the next requests, as many as this; one by default.
    pub fn times(self, count: usize) -> PairingFault {
        PairingFault {
            remaining: count,
            ..self
        }
    }

    fn new(answer: Answer) -> PairingFault {
        PairingFault {
            route: None,
            answer,
            delay: Duration::ZERO,
            remaining: 1,
        }
    }
}

/// The faults that requests are yet to meet, oldest first.
#[derive(Default)]
pub(crate) struct PairingFaults(Mutex<Vec<PairingFault>>);

impl PairingFaults {
    pub(crate) fn add(&self, fault: PairingFault) {
        lock(&self.0).push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Returns delay and answer for a request, if there is a fault for it.
    pub(crate) fn next(&self, route: PairingRoute) -> Option<(Duration, Answer)> {
        let mut faults = lock(&self.0);
        faults.retain(|fault| fault.remaining > 0);
        let fault = faults
            .iter_mut()
            .find(|fault| fault.route.is_none_or(|on| on == route))?;
        fault.remaining -= 1;
        Some((fault.delay, fault.answer.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_its_route_as_often_as_it_says() {
        let faults = PairingFaults::default();
        faults.add(
            PairingFault::status(503)
                .on(PairingRoute::Credentials)
                .times(2),
        );
        faults.add(PairingFault::close());
        let statuses = [
            PairingRoute::Credentials,
            PairingRoute::Info,
            PairingRoute::Credentials,
        ];
        let answers = statuses.map(|route| faults.next(route).map(|(_, answer)| answer));
        let unavailable = || Some(Answer::Status(503, None));
        assert_eq!(answers, [unavailable(), Some(Answer::Close), unavailable()]);
        assert_eq!(faults.next(PairingRoute::Credentials), None);
    }
}

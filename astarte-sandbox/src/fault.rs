//! What can be made to go wrong.

mod pairing;

use std::collections::VecDeque;
use std::time::Duration;

use rumqttc::mqttbytes::v4::ConnectReturnCode;

pub(crate) use pairing::{Answer, PairingFaults};
pub use pairing::{PairingFault, PairingRoute};

/// What is wrong with the connections of a device.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// How the next connections are refused.
    refusals: VecDeque<(usize, Refusal)>,
    pub(crate) connack_delay: Duration,
    pub(crate) latency: Duration,
    pub(crate) loses_acknowledgements: bool,
    pub(crate) stalled: bool,
}

/// How the broker turns a connection away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// CONNACK 4: bad user name or password.
    BadCredentials,
    /// The connection is closed without a CONNACK.
    Closed,
    /// CONNACK 2: the client id is refused.
    IdentifierRejected,
    /// CONNACK 5: not authorized, as after the deletion of the device.
    NotAuthorized,
    /// CONNACK 3: the server is unavailable.
    ServerUnavailable,
    /// CONNACK 1: the protocol version is refused.
    UnacceptableProtocol,
}

impl Faults {
    /// Refuses the next `count` connections, after those that are to be refused already.
    pub(crate) fn refuse(&mut self, count: usize, refusal: Refusal) {
        if count > 0 {
            self.refusals.push_back((count, refusal));
        }
    }

    /// Returns how the connection that is being made is refused, if it is.
    pub(crate) fn next_refusal(&mut self) -> Option<Refusal> {
        let (count, refusal) = self.refusals.front_mut()?;
        let refusal = *refusal;
        *count -= 1;
        if *count == 0 {
            self.refusals.pop_front();
        }
        Some(refusal)
    }
}

impl Refusal {
    /// Returns the code of the CONNACK, if there is one.
    pub(crate) fn code(self) -> Option<ConnectReturnCode> {
        match self {
            Refusal::BadCredentials => Some(ConnectReturnCode::BadUserNamePassword),
            Refusal::Closed => None,
            Refusal::IdentifierRejected => Some(ConnectReturnCode::BadClientId),
            Refusal::NotAuthorized => Some(ConnectReturnCode::NotAuthorized),
            Refusal::ServerUnavailable => Some(ConnectReturnCode::ServiceUnavailable),
            Refusal::UnacceptableProtocol => Some(ConnectReturnCode::RefusedProtocolVersion),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_used_up_in_order() {
        let mut faults = Faults::default();
        faults.refuse(0, Refusal::Closed);
        faults.refuse(2, Refusal::ServerUnavailable);
        faults.refuse(1, Refusal::NotAuthorized);
        let refusals: Vec<_> = std::iter::from_fn(|| faults.next_refusal()).collect();
        assert_eq!(
            refusals,
            [
                Refusal::ServerUnavailable,
                Refusal::ServerUnavailable,
                Refusal::NotAuthorized
            ]
        );
    }
}

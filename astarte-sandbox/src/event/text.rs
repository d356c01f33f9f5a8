//! Events in words, one line each.

use std::fmt::{Display, Formatter, Result};

use astarte_interface::Value;
use serde_json::Value::Null;

use super::{DeviceError, Disconnection, Event, EventKind};
use crate::clock;
use crate::json;

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&clock::utc(clock::to_ms(self.at), ' '))?;
        if let Some(device) = self.device {
            write!(f, " {device}")?;
        }
        write!(f, " {}", self.kind)
    }
}

impl Display for EventKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            EventKind::CertificateIssued => f.write_str("certificate issued"),
            EventKind::Connected {
                address,
                clean_session,
                session_present,
            } => {
                let session = match (clean_session, session_present) {
                    (true, _) => "clean session",
                    (false, true) => "session present",
                    (false, false) => "new session",
                };
                write!(f, "connected from {address}, {session}")
            }
            EventKind::ConnectionRefused { address, reason } => {
                write!(f, "connection from {address} refused: {reason}")
            }
            EventKind::Deleted => f.write_str("deleted"),
            EventKind::Disconnected { reason } => write!(f, "disconnected: {reason}"),
            EventKind::EmptyCache => f.write_str("emptyCache answered"),
            EventKind::Error(error) => error.fmt(f),
            EventKind::IncomingData(received) => {
                write!(f, "{}{} = ", received.interface(), received.path())?;
                write!(f, "{} (QoS {})", received.content(), received.qos())
            }
            EventKind::InterfaceAdded { interface, version } => {
                write!(f, "interface added: {interface} {version}")
            }
            EventKind::InterfaceMinorUpdated {
                interface,
                old,
                new,
            } => {
                write!(f, "interface updated: {interface} {old} to {new}")
            }
            EventKind::InterfaceRemoved { interface, major } => {
                write!(f, "interface removed: {interface}, major version {major}")
            }
            EventKind::Introspection(introspection) => {
                f.write_str("introspection:")?;
                introspection
                    .iter()
                    .try_for_each(|(name, version)| write!(f, " {name} {version}"))
            }
            EventKind::NotSaved { reason } => {
                write!(f, "the state cannot be saved: {reason}")
            }
            EventKind::PathCreated {
                interface, path, ..
            } => write!(f, "set: {interface}{path}"),
            EventKind::PathRemoved { interface, path } => write!(f, "unset: {interface}{path}"),
            EventKind::PublicationDropped { topic } => {
                write!(f, "publication dropped, the queue is full: {topic}")
            }
            EventKind::Published {
                topic,
                qos,
                subscriptions,
            } => {
                let plural = if *subscriptions == 1 { "" } else { "s" };
                write!(
                    f,
                    "published: {topic} (QoS {qos}, {subscriptions} subscription{plural})"
                )
            }
            EventKind::Registered => f.write_str("registered"),
            EventKind::Subscribed { filters, refused } => {
                write!(f, "subscribed: {}", filters.join(" "))?;
                if !refused.is_empty() {
                    write!(f, "; refused: {}", refused.join(" "))?;
                }
                Ok(())
            }
            EventKind::Unregistered => f.write_str("unregistered"),
            EventKind::ValueChange {
                interface,
                path,
                old,
                new,
            } => {
                let value = |value: &Option<Value>| value.as_ref().map_or(Null, json::value);
                let (old, new) = (value(old), value(new));
                write!(f, "change: {interface}{path} from {old} to {new}")
            }
            EventKind::ValueChangeApplied {
                interface, path, ..
            } => {
                write!(f, "changed: {interface}{path}")
            }
        }
    }
}

impl Display for Disconnection {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Disconnection::Client => f.write_str("by the device"),
            Disconnection::ForeignTopic(topic) => {
                write!(
                    f,
                    "it published to `{topic}`, which is not below `<realm>/<device id>`"
                )
            }
            Disconnection::KeepAlive => f.write_str("nothing came for 1.5 times the keep alive"),
            Disconnection::Kicked(name) => write!(f, "kicked, {name}"),
            Disconnection::Lost => f.write_str("the connection broke"),
            Disconnection::Protocol(what) => write!(f, "{what}"),
            Disconnection::Requested => f.write_str("on request"),
            Disconnection::TakenOver => f.write_str("taken over by a new connection"),
        }
    }
}

impl Display for DeviceError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "error {}", self.name)?;
        if let Some(interface) = &self.interface {
            let path = self.path.as_deref().unwrap_or_default();
            write!(f, " on {interface}{path}")?;
        }
        write!(f, ": {}", self.detail)?;
        if self.would_wedge {
            f.write_str(" (a real server would be stuck on this message)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use astarte_interface::DeviceId;

    use super::*;
    use crate::error_name::ErrorName;

    #[test]
    fn an_event_is_one_line() {
        let event = |kind| Event {
            at: UNIX_EPOCH + Duration::from_millis(1_537_449_422_890),
            device: Some(DeviceId::from_bytes([0; 16])),
            kind,
        };
        let published = EventKind::Published {
            topic: "a.B/c".to_owned(),
            qos: 2,
            subscriptions: 1,
        };
        let kicked = EventKind::Disconnected {
            reason: Disconnection::Kicked(ErrorName::InvalidPath),
        };
        for (kind, text) in [
            (published, "published: a.B/c (QoS 2, 1 subscription)"),
            (kicked, "disconnected: kicked, invalid_path"),
        ] {
            let expected = format!("2018-09-20 13:17:02.890Z AAAAAAAAAAAAAAAAAAAAAA {text}");
            assert_eq!(event(kind).to_string(), expected);
        }
    }

    #[test]
    fn an_error_tells_what_would_wedge() {
        let error = DeviceError {
            name: ErrorName::UndecodableBsonPayload,
            interface: Some("a.B".to_owned()),
            path: Some("/c".to_owned()),
            payload: None,
            detail: "broken".to_owned(),
            declaration: None,
            would_wedge: true,
        };
        assert_eq!(
            error.to_string(),
            "error undecodable_bson_payload on a.B/c: broken \
             (a real server would be stuck on this message)"
        );
    }
}

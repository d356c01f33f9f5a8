//! Events in JSON, with the names of the server's trigger events where it has one.

use serde_json::{Map, Value, json};

use super::{DeviceError, Event, EventKind};
use crate::{clock, json};

impl Event {
    /// Returns the event as a JSON object: `timestamp`, `device_id` unless there is none, and
    /// `event` with the `type` and what belongs to it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert(
            "timestamp".to_owned(),
            clock::utc(clock::to_ms(self.at), 'T').into(),
        );
        if let Some(device) = self.device {
            object.insert("device_id".to_owned(), device.to_string().into());
        }
        object.insert("event".to_owned(), self.kind.to_json());
        Value::Object(object)
    }
}

impl EventKind {
    fn to_json(&self) -> Value {
        match self {
            EventKind::CertificateIssued => json!({"type": "certificate_issued"}),
            EventKind::Connected {
                address,
                clean_session,
                session_present,
            } => json!({
                "type": "device_connected",
                "device_ip_address": address.ip().to_string(),
                "clean_session": clean_session,
                "session_present": session_present,
            }),
            EventKind::ConnectionRefused { address, reason } => json!({
                "type": "connection_refused",
                "device_ip_address": address.ip().to_string(),
                "reason": reason,
            }),
            EventKind::Deleted => json!({"type": "device_deletion_finished"}),
            EventKind::Disconnected { reason } => {
                json!({"type": "device_disconnected", "reason": reason.to_string()})
            }
            EventKind::EmptyCache => json!({"type": "device_empty_cache_received"}),
            EventKind::Error(error) => error.to_json(),
            EventKind::IncomingData(received) => json!({
                "type": "incoming_data",
                "interface": received.interface(),
                "path": received.path(),
                "value": json::content(received.content()),
                "data_timestamp": clock::utc(received.timestamp(), 'T'),
                "qos": received.qos(),
            }),
            EventKind::InterfaceAdded { interface, version } => json!({
                "type": "interface_added",
                "interface": interface,
                "major_version": version.major,
                "minor_version": version.minor,
            }),
            EventKind::InterfaceMinorUpdated {
                interface,
                old,
                new,
            } => json!({
                "type": "interface_minor_updated",
                "interface": interface,
                "major_version": new.major,
                "old_minor_version": old.minor,
                "new_minor_version": new.minor,
            }),
            EventKind::InterfaceRemoved { interface, major } => json!({
                "type": "interface_removed", "interface": interface, "major_version": major,
            }),
            EventKind::Introspection(introspection) => {
                let entries = introspection.iter().map(|(name, version)| {
                    (
                        name.clone(),
                        json!({"major": version.major, "minor": version.minor}),
                    )
                });
                let introspection: Map<String, Value> = entries.collect();
                json!({"type": "incoming_introspection", "introspection": introspection})
            }
            EventKind::NotSaved { reason } => json!({"type": "not_saved", "reason": reason}),
            EventKind::PathCreated {
                interface,
                path,
                value,
            } => json!({
                "type": "path_created",
                "interface": interface,
                "path": path,
                "value": json::value(value),
            }),
            EventKind::PathRemoved { interface, path } => {
                json!({"type": "path_removed", "interface": interface, "path": path})
            }
            EventKind::PublicationDropped { topic } => {
                json!({"type": "publication_dropped", "topic": topic})
            }
            EventKind::Published {
                topic,
                qos,
                subscriptions,
            } => json!({
                "type": "published", "topic": topic, "qos": qos, "subscriptions": subscriptions,
            }),
            EventKind::Registered => json!({"type": "device_registered"}),
            EventKind::Subscribed { filters, refused } => {
                json!({"type": "subscribed", "filters": filters, "refused": refused})
            }
            EventKind::Unregistered => json!({"type": "device_unregistered"}),
            EventKind::ValueChange {
                interface,
                path,
                old,
                new,
            } => json!({
                "type": "value_change",
                "interface": interface,
                "path": path,
                "old_value": old.as_ref().map(json::value),
                "new_value": new.as_ref().map(json::value),
            }),
            EventKind::ValueChangeApplied {
                interface,
                path,
                old,
                new,
            } => json!({
                "type": "value_change_applied",
                "interface": interface,
                "path": path,
                "old_value": json::value(old),
                "new_value": json::value(new),
            }),
        }
    }
}

impl DeviceError {
    fn to_json(&self) -> Value {
        json!({
            "type": "device_error",
            "error_name": self.name.as_str(),
            "detail": self.detail,
            "declared_at": self.declaration.as_ref().map(ToString::to_string),
            "metadata": self.metadata(),
            "would_wedge": self.would_wedge,
        })
    }

    /// The server quotes interface and path once more.
    fn metadata(&self) -> Value {
        let mut metadata = Map::new();
        for (key, value) in [("interface", &self.interface), ("path", &self.path)] {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), format!("{value:?}").into());
            }
        }
        if let Some(payload) = &self.payload {
            metadata.insert("base64_payload".to_owned(), json::base64(payload).into());
        }
        Value::Object(metadata)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use astarte_interface::DeviceId;

    use super::*;
    use crate::error_name::ErrorName;

    #[test]
    fn an_error_as_the_server_reports_it() {
        let error = DeviceError {
            name: ErrorName::MappingNotFound,
            interface: Some("test.Ind".to_owned()),
            path: Some("/a/b".to_owned()),
            payload: Some(vec![1, 2, 3].into()),
            detail: "no".to_owned(),
            declaration: None,
            would_wedge: false,
        };
        let event = Event {
            at: UNIX_EPOCH + Duration::from_millis(1_537_449_422_890),
            device: Some(DeviceId::from_bytes([0; 16])),
            kind: EventKind::Error(Box::new(error)),
        };
        let expected = json!({
            "timestamp": "2018-09-20T13:17:02.890Z",
            "device_id": "AAAAAAAAAAAAAAAAAAAAAA",
            "event": {
                "type": "device_error",
                "error_name": "mapping_not_found",
                "detail": "no",
                "declared_at": null,
                "metadata": {
                    "interface": "\"test.Ind\"", "path": "\"/a/b\"", "base64_payload": "AQID",
                },
                "would_wedge": false,
            },
        });
        assert_eq!(event.to_json(), expected);
    }
}

//! What the cloud does, and what it expects of a device, whatever SDK the device is made with.

use astarte_sandbox::{Content, Device};

use crate::values;

pub(crate) const DEVICE_DATASTREAM: &str = "org.example.types.DeviceDatastream";
pub(crate) const DEVICE_OBJECT: &str = "org.example.types.DeviceObject";
pub(crate) const DEVICE_PROPERTIES: &str = "org.example.types.DeviceProperties";
pub(crate) const SERVER_DATASTREAM: &str = "org.example.types.ServerDatastream";
pub(crate) const SERVER_OBJECT: &str = "org.example.types.ServerObject";
pub(crate) const SERVER_PROPERTIES: &str = "org.example.types.ServerProperties";

/// Waits for a value of each type on the device's datastream.
pub(crate) async fn expect_datastream(device: &Device) {
    for value in values::all() {
        let path = format!("/{}/value", value.value_type());
        let received = device.received(DEVICE_DATASTREAM, &path).await.unwrap();
        assert_eq!(received.value(), Some(&value), "{path}");
    }
    let received = device
        .received(DEVICE_DATASTREAM, "/at/one/value")
        .await
        .unwrap();
    assert_eq!(received.timestamp(), values::MOMENT);
}

/// Waits for an object with a value of each type.
pub(crate) async fn expect_object(device: &Device) {
    let received = device.received(DEVICE_OBJECT, "/one").await.unwrap();
    let Content::Object(object) = received.content() else {
        panic!("{received:?}")
    };
    assert_eq!(object.len(), values::all().len());
    for value in values::all() {
        assert_eq!(received.field(&values::key(&value)), Some(&value));
    }
}

/// Waits for a property of each type to be set.
pub(crate) async fn expect_properties(device: &Device) {
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        let received = device.received(DEVICE_PROPERTIES, &path).await.unwrap();
        assert_eq!(received.value(), Some(&value), "{path}");
        assert_eq!(device.property(DEVICE_PROPERTIES, &path), Some(value));
    }
}

/// Waits for every property of the device to be unset.
pub(crate) async fn expect_no_properties(device: &Device) {
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        let received = device.received(DEVICE_PROPERTIES, &path).await.unwrap();
        assert!(received.is_unset(), "{received:?}");
    }
    assert!(device.properties(DEVICE_PROPERTIES).is_empty());
}

/// Publishes a value of each type as a datastream.
pub(crate) fn publish_datastream(device: &Device) {
    for value in values::all() {
        let path = format!("/{}/value", value.value_type());
        device.publish(SERVER_DATASTREAM, &path, value).unwrap();
    }
}

/// Publishes an object with a value of each type.
pub(crate) fn publish_object(device: &Device) {
    let object = values::all()
        .into_iter()
        .map(|value| (values::key(&value), value));
    device
        .publish_object(SERVER_OBJECT, "/one", object)
        .unwrap();
}

/// Sets a property of each type.
pub(crate) fn set_properties(device: &Device) {
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        device
            .set_property(SERVER_PROPERTIES, &path, value)
            .unwrap();
    }
}

/// Unsets a property of each type.
pub(crate) fn unset_properties(device: &Device) {
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        device.unset_property(SERVER_PROPERTIES, &path).unwrap();
    }
}

/// Checks that the server has found nothing wrong.
pub(crate) async fn expect_no_error(device: &Device) {
    device.all_processed().await;
    if let Ok(error) = device.error().within(std::time::Duration::ZERO).await {
        panic!("{error}");
    }
}

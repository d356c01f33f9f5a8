//! What a device tells to `tracing`. Alone in its process: whether an event is wanted is decided once for all threads.

use astarte_runtime::{Device, Status, Timestamp, astarte_interface};
use astarte_tests::{Site, TestResult, connected, soon, status};

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// What the thermostat is told to do once.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

const COMMANDS: &str = "org.example.thermostat.Commands";

/// Gathers what is told to `tracing`.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let mut text = self.0.lock().expect("nobody panics with it");
        text.push_str(&format!("{field}={value:?} "));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("astarte_runtime")
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn logs_tell_what_happens_and_no_secrets() -> TestResult {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let commands = builder.interface::<Commands>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    soon(
        soon(readings.send_at(
            readings::Temperature { room: "kitchen" },
            1.0,
            Timestamp::now(),
        ))
        .await?,
    )
    .await?;
    site.device.publish_raw(
        &format!("{COMMANDS}/kitchen/calibrate"),
        0,
        &b"a payload"[..],
    );
    status(&mut events, |status| {
        matches!(status, Status::Rejected(_)).then_some(())
    })
    .await;
    site.device.kick();
    connected(&mut events).await;
    drop(commands);
    soon(device.disconnect()).await;

    let text = log.text();
    let id = format!("{}/{}", site.sandbox.realm(), site.device.id());
    for told in [
        id.as_str(),
        "connecting",
        "subscribing",
        "sending the introspection",
        "asking for the properties of the server",
        "connected",
        "rejected a message on `org.example.thermostat.Commands/kitchen/calibrate`",
        "disconnected: the server closed the connection without a reason",
        "stopped",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let secret = site.device.credentials_secret().ok_or("it is registered")?;
    for secret in [secret.as_str(), "PRIVATE KEY", "Bearer", "a payload"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    Ok(())
}

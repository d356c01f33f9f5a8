//! Compiles the agent's interfaces, with types of its own for parameters and for texts that have few values.

fn main() -> Result<(), astarte_build::Error> {
    astarte_build::Config::new()
        .interfaces_dir("interfaces")
        // gpsd does not always know how far off it is.
        .partial("*.Geolocation")
        .param("*.TelemetrySettings", "topic", "crate::telemetry::Topic")
        .value_type(
            "*.BatteryStatus",
            "/%{battery}/state",
            "crate::battery::State",
        )
        .value_type(
            "*.LedBehaviour",
            "/%{led}/behaviour",
            "crate::leds::Behaviour",
        )
        .value_type(
            "*.OtaRequest",
            "/request/operation",
            "crate::ota::Operation",
        )
        .value_type("*.OtaEvent", "/event/status", "crate::ota::Status")
        .compile()
}

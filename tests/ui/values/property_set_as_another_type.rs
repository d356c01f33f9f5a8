use astarte_runtime::{Decode, DecodeError, astarte_interface, payload::RawValue, wire};

#[astarte_interface("ui/interfaces/org.example.Status.json", values("/%{room}/online" = Online))]
struct Status;

struct Online;

impl Decode<wire::Boolean> for Online {
    fn decode(_: RawValue<'_>) -> Result<Self, DecodeError> {
        Ok(Online)
    }
}

fn main() {}

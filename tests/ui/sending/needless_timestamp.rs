use astarte_runtime::{Builder, Timestamp, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

fn misuse(builder: &mut Builder) {
    let readings = builder.interface::<Readings>();
    let now = Timestamp::now();
    let _ = readings.send_at(readings::Humidity { room: "kitchen" }, 40.0, now);
}

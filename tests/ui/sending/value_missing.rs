use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

fn misuse(builder: &mut Builder) {
    let readings = builder.interface::<Readings>();
    let _ = readings.send(readings::Humidity { room: "kitchen" });
}

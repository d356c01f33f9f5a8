use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

#[astarte_interface("ui/interfaces/org.example.Other.json")]
struct Other;

fn main() {}

fn misuse(builder: &mut Builder) {
    let readings = builder.interface::<Readings>();
    let _ = readings.send(other::Level, 1.0);
}

use astarte_runtime::{AstarteValue, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json", values("/%{vehicle}/latitude" = Degrees))]
struct Position;

#[derive(AstarteValue, Clone, Debug, PartialEq)]
struct Degrees(f32);

fn main() {}

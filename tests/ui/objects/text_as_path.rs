use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

fn misuse(builder: &mut Builder) {
    let positions = builder.interface::<Position>();
    let position = Position { latitude: 45.0, longitude: 9.0, satellites: 3 };
    let _ = positions.send("/v", &position);
}

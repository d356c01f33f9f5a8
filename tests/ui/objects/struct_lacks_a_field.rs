use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

fn misuse(builder: &mut Builder) {
    let positions = builder.interface::<Position>();
    let path = position::Path { vehicle: "v" };
    let _ = positions.send(path, &Position { latitude: 45.0, longitude: 9.0 });
}

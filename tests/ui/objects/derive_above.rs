use astarte_runtime::astarte_interface;

#[derive(Hash)]
#[astarte_interface("ui/interfaces/org.example.Position.json")]
pub struct Position;

fn main() {
    let _ = Position { latitude: 45.0, longitude: 9.0, satellites: 3 };
}

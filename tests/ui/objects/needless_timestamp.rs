use astarte_runtime::{Builder, Timestamp, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

fn misuse(builder: &mut Builder) {
    let handle = builder.interface::<Position>();
    let here = Position { latitude: 45.0, longitude: 9.0, satellites: 3 };
    let now = Timestamp::now();
    let _ = handle.send_at(position::Path { vehicle: "v" }, &here, now);
}

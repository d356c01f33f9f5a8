use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

fn misuse(builder: &mut Builder) {
    let positions = builder.interface::<Position>();
    let _ = positions.send(position::Path { vehicle: "v" }, &45.0);
}

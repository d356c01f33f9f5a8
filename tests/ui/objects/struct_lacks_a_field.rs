use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let positions = builder.interface::<Position>();
    let path = position::Path { vehicle: "v" };
    positions.send(path, &Position { latitude: 45.0, longitude: 9.0 }).await?;
    Ok(())
}

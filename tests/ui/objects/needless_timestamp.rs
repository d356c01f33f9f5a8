use astarte_runtime::{Builder, SendError, Timestamp, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let handle = builder.interface::<Position>();
    let here = Position { latitude: 45.0, longitude: 9.0, satellites: 3 };
    let now = Timestamp::now();
    handle.send_at(position::Path { vehicle: "v" }, &here, now).await?;
    Ok(())
}

use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Position.json")]
struct Position;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let positions = builder.interface::<Position>();
    positions.send(position::Path { vehicle: "v" }, &45.0).await?;
    Ok(())
}

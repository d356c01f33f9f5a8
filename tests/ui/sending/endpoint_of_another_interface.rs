use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

#[astarte_interface("ui/interfaces/org.example.Other.json")]
struct Other;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let readings = builder.interface::<Readings>();
    readings.send(other::Level, 1.0).await?;
    Ok(())
}

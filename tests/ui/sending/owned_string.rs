use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let readings = builder.interface::<Readings>();
    readings.send(readings::Label { room: "kitchen" }, String::new()).await?;
    Ok(())
}

use astarte_runtime::{Builder, SendError, Timestamp, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let readings = builder.interface::<Readings>();
    let now = Timestamp::now();
    readings.send_at(readings::Humidity { room: "kitchen" }, 40.0, now).await?;
    Ok(())
}

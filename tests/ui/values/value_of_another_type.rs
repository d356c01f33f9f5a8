use astarte_runtime::{AstarteValue, Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json", values("/%{room}/label" = Label))]
struct Readings;

#[derive(AstarteValue)]
enum Label {
    Left,
}

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let readings = builder.interface::<Readings>();
    readings.send(readings::Label { room: "kitchen" }, "Left").await?;
    Ok(())
}

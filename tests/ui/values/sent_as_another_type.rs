use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json", values("/%{room}/label" = Label))]
struct Readings;

struct Label;

fn main() {}

async fn used(builder: &mut Builder) -> Result<(), SendError> {
    let readings = builder.interface::<Readings>();
    readings.send(readings::Label { room: "kitchen" }, &Label).await?;
    Ok(())
}

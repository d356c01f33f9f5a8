use astarte_runtime::{Builder, Closed, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), Closed> {
    let readings = builder.interface::<Readings>();
    readings.recv().await?;
    Ok(())
}

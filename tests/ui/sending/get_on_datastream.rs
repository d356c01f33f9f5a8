use astarte_runtime::{Builder, PropertyError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

fn misuse(builder: &mut Builder) -> Result<(), PropertyError> {
    let readings = builder.interface::<Readings>();
    let _ = readings.get(readings::Humidity { room: "kitchen" })?;
    Ok(())
}

use astarte_runtime::{Builder, PropertyError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Status.json")]
struct Status;

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {}

fn misuse(builder: &mut Builder) -> Result<(), PropertyError> {
    let status = builder.interface::<Status>();
    let _ = status.get(readings::Humidity { room: "kitchen" })?;
    Ok(())
}

use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Settings.json")]
struct Settings;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let settings = builder.interface::<Settings>();
    settings.unset(settings::Enable { room: "kitchen" }).await?;
    Ok(())
}

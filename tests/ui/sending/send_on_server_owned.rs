use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Commands.json")]
struct Commands;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let commands = builder.interface::<Commands>();
    commands.send(commands::Calibrate, 0.5).await?;
    Ok(())
}

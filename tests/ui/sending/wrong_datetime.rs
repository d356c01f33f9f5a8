use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Types.json")]
struct Types;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let types = builder.interface::<Types>();
    types.send(types::Datetime, std::time::SystemTime::now()).await?;
    Ok(())
}

use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Status.json")]
struct Status;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let status = builder.interface::<Status>();
    status.unset(status::Online { room: "kitchen" }).await?;
    Ok(())
}

use astarte_runtime::{Builder, SendError, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Log.json")]
struct Log;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), SendError> {
    let handle = builder.interface::<Log>();
    let entry = Log { level: 1, text: String::new() };
    handle.send_at(log::Path, entry, astarte_runtime::Timestamp::now()).await?;
    Ok(())
}

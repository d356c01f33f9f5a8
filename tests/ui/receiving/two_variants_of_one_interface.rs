use astarte_runtime::{AstarteEvents, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Settings.json")]
struct Settings;

#[astarte_interface("ui/interfaces/org.example.Settings.json")]
struct Kept;

#[derive(AstarteEvents)]
enum FromServer {
    Settings(settings::Event),
    Kept(kept::Event),
}

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json")]
struct Settings;

fn main() {}

fn heat(event: settings::Event) -> bool {
    match event {
        settings::Event::Enable { value, .. } => value,
        settings::Event::Period { value, .. } => value > 0,
        settings::Event::Purged(_) => false,
    }
}

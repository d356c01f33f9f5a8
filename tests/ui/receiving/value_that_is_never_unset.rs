use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json")]
pub struct Settings;

fn main() {}

pub fn handle(event: settings::Event) {
    if let settings::Event::Period { value: Some(period), .. } = event {
        let _ = period;
    }
}

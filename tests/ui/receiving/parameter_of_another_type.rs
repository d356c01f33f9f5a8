use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json", params(room = u32))]
pub struct Settings;

fn main() {}

pub fn name() -> settings::Enable {
    settings::Enable { room: "kitchen" }
}

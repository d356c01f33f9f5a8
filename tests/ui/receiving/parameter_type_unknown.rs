use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json", params(room = RoomId))]
pub struct Settings;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json", params(room = RoomId))]
pub struct Settings;

#[derive(Clone, Debug, PartialEq)]
pub struct RoomId;

impl std::fmt::Display for RoomId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("room")
    }
}

fn main() {}

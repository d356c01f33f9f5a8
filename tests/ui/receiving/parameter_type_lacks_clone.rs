use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json", params(room = RoomId))]
pub struct Settings;

#[derive(Debug, PartialEq)]
pub struct RoomId;

impl std::fmt::Display for RoomId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("room")
    }
}

impl std::str::FromStr for RoomId {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        Ok(Self)
    }
}

fn main() {}

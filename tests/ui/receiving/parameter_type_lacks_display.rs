use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json", params(room = RoomId))]
pub struct Settings;

#[derive(Clone, Debug, PartialEq)]
pub struct RoomId;

impl std::str::FromStr for RoomId {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        Ok(Self)
    }
}

fn main() {}

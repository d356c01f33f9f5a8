use astarte_runtime::astarte_interface;

#[derive(
    Debug,
)]
/// Where a vehicle is.
#[astarte_interface("ui/interfaces/org.example.Position.json")]
pub struct Position;

fn main() {}

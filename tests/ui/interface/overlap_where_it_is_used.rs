use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Overlap.json")]
pub struct Overlap;

fn main() {}

pub fn endpoint() -> overlap::Temperature {
    overlap::Temperature { room: String::new() }
}

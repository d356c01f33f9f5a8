use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Readings.json", params = "room")]
pub struct X;

fn main() {}

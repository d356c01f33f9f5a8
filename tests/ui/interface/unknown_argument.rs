use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Readings.json", verison = "1.0")]
pub struct X;

fn main() {}

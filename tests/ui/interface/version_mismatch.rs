use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Readings.json", version = "1.2")]
pub struct X;

fn main() {}

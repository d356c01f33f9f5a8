use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Reading.json")]
pub struct X;

fn main() {}

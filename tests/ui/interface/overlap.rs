use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Overlap.json")]
pub struct X;

fn main() {}

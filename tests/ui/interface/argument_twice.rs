use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Other.json", version = "1.0", version = "1.0")]
pub struct X;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Other.json", rename("/levle" = Height))]
pub struct X;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Other.json")]
pub enum Other {}

fn main() {}

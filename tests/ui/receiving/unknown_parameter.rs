use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Settings.json", params(rom = u32))]
pub struct Settings;

fn main() {}

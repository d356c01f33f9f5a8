use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--text-too-long.json")]
pub struct Interface;

fn main() {}

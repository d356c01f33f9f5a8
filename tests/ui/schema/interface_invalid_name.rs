use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--invalid-name.json")]
pub struct Interface;

fn main() {}

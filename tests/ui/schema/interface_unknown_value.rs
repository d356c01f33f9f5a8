use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--unknown-value.json")]
pub struct Interface;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--no-mappings.json")]
pub struct Interface;

fn main() {}

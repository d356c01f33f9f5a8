use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--too-many-mappings.json")]
pub struct Interface;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--version-range.json")]
pub struct Interface;

fn main() {}

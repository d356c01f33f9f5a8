use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--version-zero.json")]
pub struct Interface;

fn main() {}

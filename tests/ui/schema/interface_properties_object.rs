use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/interface--properties-object.json")]
pub struct Interface;

fn main() {}

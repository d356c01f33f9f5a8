use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/mapping--duplicate.json")]
pub struct Interface;

fn main() {}

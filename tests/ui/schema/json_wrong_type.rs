use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/json--wrong-type.json")]
pub struct Interface;

fn main() {}

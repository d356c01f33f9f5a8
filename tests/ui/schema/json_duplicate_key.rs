use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/json--duplicate-key.json")]
pub struct Interface;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/json--syntax.json")]
pub struct Interface;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/mapping--invalid-endpoint.json")]
pub struct Interface;

fn main() {}

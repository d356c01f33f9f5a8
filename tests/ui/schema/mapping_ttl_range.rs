use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/mapping--ttl-range.json")]
pub struct Interface;

fn main() {}

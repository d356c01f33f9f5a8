use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/mapping--ttl-without-policy.json")]
pub struct Interface;

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/mapping--policy-without-ttl.json")]
pub struct Interface;

fn main() {}

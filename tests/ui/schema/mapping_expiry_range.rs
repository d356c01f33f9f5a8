use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/mapping--expiry-range.json")]
pub struct Interface;

fn main() {}

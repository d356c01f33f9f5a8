use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/object--delivery.json")]
pub struct Interface;

fn main() {}

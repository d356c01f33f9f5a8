use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/schema/object--prefix.json")]
pub struct Interface;

fn main() {}

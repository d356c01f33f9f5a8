use astarte_runtime::astarte_interface;

#[astarte_interface(version = "1.0")]
pub struct X;

fn main() {}

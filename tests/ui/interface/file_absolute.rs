use astarte_runtime::astarte_interface;

#[astarte_interface("/org.example.Readings.json")]
pub struct X;

fn main() {}

use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
enum Mode {}

fn main() {}

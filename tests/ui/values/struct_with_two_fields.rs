use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
struct Range(f64, f64);

fn main() {}

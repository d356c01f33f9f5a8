use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
enum Mode {
    Heat,
    #[astarte(value = "Heat")]
    Warm,
}

fn main() {}

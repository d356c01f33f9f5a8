use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
enum Mode {
    #[astarte(valeu = "heat")]
    Heat,
}

fn main() {}

use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
#[astarte(type = "integer")]
enum Level {
    #[astarte(value = "1")]
    Low,
}

fn main() {}

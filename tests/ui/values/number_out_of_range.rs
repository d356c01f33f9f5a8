use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
#[astarte(type = "integer")]
enum Level {
    Low = 1,
    High = 2_147_483_648,
}

fn main() {}

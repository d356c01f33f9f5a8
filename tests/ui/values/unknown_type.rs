use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
#[astarte(type = "interger")]
enum Level {
    Low = 1,
}

fn main() {}

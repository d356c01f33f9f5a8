use astarte_runtime::AstarteValue;

#[derive(AstarteValue)]
enum Mode {
    Heat(u8),
    Cool,
}

fn main() {}

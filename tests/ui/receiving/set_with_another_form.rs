use astarte_runtime::AstarteEvents;

#[derive(AstarteEvents)]
enum FromServer {
    Nothing,
}

fn main() {}

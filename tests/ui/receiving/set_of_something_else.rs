use astarte_runtime::AstarteEvents;

#[derive(AstarteEvents)]
enum FromServer {
    Text(String),
}

fn main() {}

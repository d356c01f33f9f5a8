use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
struct Fix {
    latitude: f64,
}

fn main() {}

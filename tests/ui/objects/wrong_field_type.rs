use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json")]
struct Fix {
    latitude: f64,
    longitude: String,
    satellites: i32,
}

fn main() {}

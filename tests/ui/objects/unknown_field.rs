use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json")]
struct Fix {
    latitude: f64,
    longitude: f64,
    satellites: i32,
    colour: String,
}

fn main() {}

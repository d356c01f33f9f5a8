use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json")]
struct Fix {
    #[astarte(mapping = latitude)]
    north: f64,
    longitude: f64,
    satellites: i32,
}

fn main() {}

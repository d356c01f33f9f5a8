use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Readings.json")]
struct Fix {
    humidity: f64,
}

fn main() {}

use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Positon.json")]
struct Fix {
    latitude: f64,
}

fn main() {}

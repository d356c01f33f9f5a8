use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json")]
enum Fix {
    Latitude(f64),
}

fn main() {}

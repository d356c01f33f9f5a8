use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Route.json")]
struct Fix {
    name: String,
    latitude: f64,
}

fn main() {}

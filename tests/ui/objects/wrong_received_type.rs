use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Route.json")]
struct Fix {
    name: Option<String>,
    latitude: f32,
}

fn main() {}

use astarte_runtime::{AstarteObject, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Route.json")]
struct Route;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json", of = Route)]
struct Fix {
    latitude: f64,
    longitude: f64,
    satellites: i32,
}

fn main() {}

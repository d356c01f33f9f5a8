use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "/etc/org.example.Position.json")]
struct Fix {
    latitude: f64,
}

fn main() {}

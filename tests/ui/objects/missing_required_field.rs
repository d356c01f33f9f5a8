use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json", partial)]
struct Fix {
    longitude: f64,
}

fn main() {}

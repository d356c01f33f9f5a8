use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json")]
struct Fix<T> {
    latitude: T,
    longitude: f64,
    satellites: i32,
}

fn main() {}

use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Status.json")]
struct Sensor {
    firmware: String,
}

fn main() {}

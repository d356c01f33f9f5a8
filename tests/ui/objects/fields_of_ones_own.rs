use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Position.json")]
pub struct Position {
    pub latitude: f64,
}

fn main() {}

use astarte_runtime::AstarteObject;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Position.json")]
struct Fix (f64, f64, i32);

fn main() {}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Collision.json",
    rename("/device/upTime" = Event))]
pub struct X;

fn main() {}

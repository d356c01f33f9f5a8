use astarte_runtime::{Handle, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Readings.json")]
struct Readings;

fn main() {
    let _: Handle<Readings> = Handle::<Readings> {};
}

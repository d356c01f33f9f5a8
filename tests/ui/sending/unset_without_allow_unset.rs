use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Status.json")]
struct Status;

fn main() {}

fn misuse(builder: &mut Builder) {
    let status = builder.interface::<Status>();
    let _ = status.unset(status::Online { room: "kitchen" });
}

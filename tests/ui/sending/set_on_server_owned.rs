use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Settings.json")]
struct Settings;

fn main() {}

fn misuse(builder: &mut Builder) {
    let settings = builder.interface::<Settings>();
    let _ = settings.set(settings::Period { room: "kitchen" }, 60);
}

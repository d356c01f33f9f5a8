use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Commands.json")]
struct Commands;

fn main() {}

fn misuse(builder: &mut Builder) {
    let commands = builder.interface::<Commands>();
    let _ = commands.send(commands::Calibrate, 0.5);
}

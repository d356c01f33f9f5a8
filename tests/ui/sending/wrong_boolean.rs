use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Types.json")]
struct Types;

fn main() {}

fn misuse(builder: &mut Builder) {
    let types = builder.interface::<Types>();
    let _ = types.send(types::Boolean, 1);
}

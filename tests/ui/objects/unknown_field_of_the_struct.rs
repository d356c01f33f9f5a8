use astarte_runtime::{Builder, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Log.json")]
struct Log;

fn main() {}

fn misuse(builder: &mut Builder) {
    let handle = builder.interface::<Log>();
    let entry = Log { level: 1, txt: String::new() };
    let _ = handle.send_at(log::Path, &entry, astarte_runtime::Timestamp::now());
}

use astarte_runtime::astarte_interface;

#[astarte_interface("ui/interfaces/org.example.Readings.json", values("/%{room}/lable" = String))]
struct Readings;

fn main() {}

//! Compiles a whole folder of interfaces: a file that is added to it has a handle, or events, with the next build.

fn main() -> Result<(), astarte_build::Error> {
    astarte_build::Config::new()
        .interfaces_dir("../../interfaces")
        .exclude("org.example.types.*")
        .param("org.example.thermostat.*", "room", "crate::room::Room")
        .compile()
}

//! The build script of the crates of interfaces, which notes how long the compiler took, and how much it wrote.

#[allow(dead_code)]
#[path = "src/processor.rs"]
mod processor;

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let target = Path::new("../target/bench");
    println!(
        "cargo::rerun-if-changed={}",
        target.join("sample").display()
    );
    let package = env::var("CARGO_PKG_NAME")?;

    let start = processor::own()?;
    astarte_build::Config::new()
        .interfaces_dir(target.join(&package))
        .compile()?;
    let took = (processor::own()? - start).as_micros();

    let file = Path::new(&env::var("OUT_DIR")?).join(astarte_build::Config::FILE_NAME);
    let lines = fs::read_to_string(file)?.lines().count();
    fs::write(
        target.join(format!("{package}.report")),
        format!("{took} {lines}"),
    )?;
    Ok(())
}

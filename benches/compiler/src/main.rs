//! What the compiler costs a build, beside prost-build.

mod check;
mod documents;
mod expansion;
mod processor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    expansion::run()?;
    check::run()
}

//! `astarte-build`: checks interfaces, compares them, and shows what is generated from them.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}

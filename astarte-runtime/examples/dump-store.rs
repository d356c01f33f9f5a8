//! Prints what a store's file holds, as lines of JSON: `cargo run -p astarte-runtime --example dump-store -- FILE`.
//!
//! The file is not changed. Values are printed as they were sent: what is private in them is private in the output.

use std::{env, io, process::ExitCode};

use astarte_runtime::store::RedbStore;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (Some(file), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: dump-store FILE");
        return ExitCode::from(2);
    };
    let out = io::BufWriter::new(io::stdout().lock());
    match RedbStore::dump(file, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what lies behind it.
fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", describe(source)),
        None => error.to_string(),
    }
}

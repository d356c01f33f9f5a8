//! `RedbStore` beside a store on SQLite: `cargo run --release [-- CASE...]`, or `cargo run --release -- --quick`.
//!
//! The cases of a table take turns, so that whatever else the machine does slows all of them down; what is printed is the
//! median of the rounds.

mod cases;
mod sqlite;
mod table;

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, name, file] = &arguments[..]
        && role == "--crash"
    {
        return cases::start::crash(name, file);
    }
    let rows = match arguments.iter().any(|argument| argument == "--quick") {
        true => 20_000,
        false => 1_000_000,
    };
    let wanted = |case: &str| {
        let mut cases = arguments
            .iter()
            .filter(|argument| !argument.starts_with("--"))
            .peekable();
        cases.peek().is_none() || cases.any(|wanted| wanted == case)
    };
    if wanted("sends") {
        cases::sends::measure()?;
    }
    if wanted("properties") {
        cases::properties::measure()?;
    }
    if wanted("start") {
        cases::start::measure(rows)?;
    }
    Ok(())
}

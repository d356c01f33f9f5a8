//! The runtime beside raw rumqttc, over TLS to one mosquitto: prints tables in Markdown.
//!
//! With names of cases as arguments only those, and with `start`, `memory` or `size` only that.

mod broker;
mod cloud;
mod footprint;
mod process;

use std::time::Duration;

use device_bench::{Case, Reading, Result};

use broker::Broker;
use process::Program;

/// Messages of a timed run.
const TIMED: usize = 200_000;

/// How often each is timed; the best counts.
const ROUNDS: usize = 3;

/// Messages of the two runs whose difference gives instructions and allocations a message.
const COUNTED: (usize, usize) = (5_000, 25_000);

/// Devices beside the first, for the memory of each.
const MORE: usize = 100;

/// How the smallest device is built: a profile, and what it is called.
const SMALLEST: [(&str, &str); 2] = [
    ("stripped", "release, stripped"),
    ("small", "opt-level z, LTO and abort"),
];

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("device-bench-{}", std::process::id()));
    let mut broker = Broker::start(&folder)?;
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    let is_wanted = |name| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let cases = Case::ALL.into_iter();
    messages(cases.filter(|case| is_wanted(case.argument())), &mut broker)?;
    println!("\n| | measured | ceiling |\n|---|--:|--:|");
    if is_wanted("start") {
        start(&mut broker)?;
    }
    if is_wanted("memory") {
        memory(&mut broker)?;
    }
    if is_wanted("size") {
        size()?;
    }
    drop(broker);
    Ok(std::fs::remove_dir_all(folder)?)
}

/// What a message takes.
struct Cost {
    instructions: u64,
    allocations: f64,
    fastest: Reading,
}

impl Cost {
    fn of(program: Program, case: Case, broker: &mut Broker) -> Result<Cost> {
        let (few, many) = COUNTED;
        let (small, before) = program.count(case, few, broker)?;
        let (large, after) = program.count(case, many, broker)?;
        let messages = (many - few) as u64;
        let mut fastest = program.measure(case, TIMED, broker)?;
        for _ in 1..ROUNDS {
            let reading = program.measure(case, TIMED, broker)?;
            fastest.elapsed = fastest.elapsed.min(reading.elapsed);
            fastest.cpu = fastest.cpu.min(reading.cpu);
        }
        Ok(Cost {
            instructions: after.saturating_sub(before) / messages,
            allocations: large.allocations.saturating_sub(small.allocations) as f64
                / messages as f64,
            fastest,
        })
    }

    fn row(&self, case: Case, who: &str, ceiling: &str) -> String {
        let each = |time: Duration| time.as_nanos() as f64 / TIMED as f64;
        format!(
            "| {} | {who} | {} | {ceiling} | {:.2} | {:.0} | {:.2} |",
            case.title(),
            self.instructions,
            self.allocations,
            1e9 / each(self.fastest.elapsed),
            each(self.fastest.cpu) / 1e3,
        )
    }
}

fn messages(cases: impl Iterator<Item = Case>, broker: &mut Broker) -> Result<()> {
    println!("| message | device | instructions | ceiling | allocations | messages/s | CPU µs |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for case in cases {
        let ours = Cost::of(Program::Ours, case, broker)?;
        println!("{}", ours.row(case, "runtime", &case.ceiling().to_string()));
        let raw = Cost::of(Program::Raw, case, broker)?;
        println!("{}", raw.row(case, "raw rumqttc", ""));
    }
    Ok(())
}

fn start(broker: &mut Broker) -> Result<()> {
    let millions = Program::Ours.start(broker)? as f64 / 1e6;
    let what = "start to the first acknowledgement, credentials and session kept";
    row(
        what,
        &format!("{millions:.1} million instructions"),
        "10 million",
    );
    Ok(())
}

fn memory(broker: &mut Broker) -> Result<()> {
    for (profile, what) in SMALLEST {
        let resident = process::resident(&footprint::smallest(profile)?, broker)?;
        let what = format!("resident memory of the smallest device, idle, {what}");
        row(&what, &mib(resident), "6 MiB");
    }
    let one = Program::Ours.resident(0, broker)?;
    let many = Program::Ours.resident(MORE, broker)?;
    let each = many.saturating_sub(one) / MORE as u64;
    row(
        "resident memory of each further one",
        &format!("{each} KiB"),
        "100 KiB",
    );
    Ok(())
}

fn size() -> Result<()> {
    row(
        "crates with default features",
        &footprint::crates()?.to_string(),
        "150",
    );
    for ((profile, what), ceiling) in SMALLEST.into_iter().zip(["7 MiB", "3.5 MiB"]) {
        let size = footprint::smallest(profile)?.metadata()?.len();
        row(
            &format!("binary of the smallest device, {what}"),
            &mib(size / 1024),
            ceiling,
        );
    }
    Ok(())
}

fn row(what: &str, measured: &str, ceiling: &str) {
    println!("| {what} | {measured} | {ceiling} |");
}

fn mib(kib: u64) -> String {
    format!("{:.2} MiB", kib as f64 / 1024.0)
}

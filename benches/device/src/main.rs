//! The runtime beside raw rumqttc, over TLS to one mosquitto: prints tables in Markdown.
//!
//! With names of cases as arguments, only those, and nothing of start and size.

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

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("device-bench-{}", std::process::id()));
    let mut broker = Broker::start(&folder)?;
    let wanted = std::env::args().skip(1).map(|argument| argument.parse());
    let wanted = wanted.collect::<std::result::Result<Vec<Case>, _>>()?;
    let (cases, all) = match wanted[..] {
        [] => (&Case::ALL[..], true),
        _ => (&wanted[..], false),
    };
    messages(cases, &mut broker)?;
    if all {
        footprint(&mut broker)?;
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

fn messages(cases: &[Case], broker: &mut Broker) -> Result<()> {
    println!("| message | device | instructions | ceiling | allocations | messages/s | CPU µs |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for &case in cases {
        let ours = Cost::of(Program::Ours, case, broker)?;
        println!("{}", ours.row(case, "runtime", &case.ceiling().to_string()));
        let raw = Cost::of(Program::Raw, case, broker)?;
        println!("{}", raw.row(case, "raw rumqttc", ""));
    }
    Ok(())
}

fn footprint(broker: &mut Broker) -> Result<()> {
    let program = Program::Ours;
    let one = program.resident(0, broker)?;
    let many = program.resident(MORE, broker)?;
    let mib = |kib: u64| format!("{:.2} MiB", kib as f64 / 1024.0);
    let rows = [
        (
            "start to the first acknowledgement, credentials and session kept",
            format!(
                "{:.1} million instructions",
                program.start(broker)? as f64 / 1e6
            ),
            "10 million",
        ),
        ("resident memory of one idle device", mib(one), "6 MiB"),
        (
            "resident memory of each further one",
            format!("{} KiB", many.saturating_sub(one) / MORE as u64),
            "100 KiB",
        ),
        (
            "crates with default features",
            footprint::crates()?.to_string(),
            "150",
        ),
        (
            "smallest device, release, stripped",
            mib(footprint::binary("stripped")? / 1024),
            "7 MiB",
        ),
        (
            "the same with opt-level z, LTO and abort",
            mib(footprint::binary("small")? / 1024),
            "3.5 MiB",
        ),
    ];
    println!("\n| | measured | ceiling |\n|---|--:|--:|");
    for (what, measured, ceiling) in rows {
        println!("| {what} | {measured} | {ceiling} |");
    }
    Ok(())
}

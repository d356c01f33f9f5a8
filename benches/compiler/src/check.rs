//! `cargo check` of whole crates, warm but for the crate itself.

use std::{
    error::Error,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    documents::{INTERFACES, MAPPINGS, document},
    processor,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SAMPLES: usize = 5;

/// The crates, and what is in them. The first one is what the others are compared with.
const CRATES: [(&str, &str); 3] = [
    ("prost-messages", "prost: 50 messages of 8 fields"),
    ("objects", "50 objects of 8 fields"),
    ("individual", "50 individual interfaces of 8 mappings"),
];

/// Measures the crates in turns, and prints a table in Markdown.
pub(crate) fn run() -> Result<()> {
    write_documents()?;
    for (package, _) in CRATES {
        sample(package, "warm")?;
    }
    let mut samples = CRATES.map(|_| Vec::new());
    for round in 0..SAMPLES {
        for ((package, _), samples) in CRATES.iter().zip(&mut samples) {
            samples.push(sample(package, &round.to_string())?);
        }
    }
    println!(
        "\n| `cargo check` | median | ratio | processor | ratio | build script | generated lines | a mapping |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let mut first = None;
    for ((_, name), mut samples) in CRATES.into_iter().zip(samples) {
        let check = median(&mut samples, |sample| sample.check);
        let processor = median(&mut samples, |sample| sample.processor);
        let script = median(&mut samples, |sample| sample.script);
        let lines = samples[0].lines;
        let (first_check, first_processor) = *first.get_or_insert((check, processor));
        println!(
            "| {name} | {} | {:.2} | {} | {:.2} | {} | {lines} | {:.1} |",
            millis(check),
            check.as_secs_f64() / first_check.as_secs_f64(),
            millis(processor),
            processor.as_secs_f64() / first_processor.as_secs_f64(),
            millis(script),
            lines as f64 / (INTERFACES * MAPPINGS) as f64,
        );
    }
    Ok(())
}

fn write_documents() -> Result<()> {
    for (package, aggregation) in [("objects", "object"), ("individual", "individual")] {
        let folder = root().join("target/bench").join(package);
        fs::create_dir_all(&folder)?;
        for index in 0..INTERFACES {
            fs::write(
                folder.join(format!("{index}.json")),
                document(aggregation, index),
            )?;
        }
    }
    Ok(())
}

struct Sample {
    /// Of the whole `cargo check`.
    check: Duration,
    /// Of the processor meanwhile.
    processor: Duration,
    /// Of the processor for the compiler in the build script.
    script: Duration,
    lines: usize,
}

/// Runs the crate's build script again, and checks the crate.
fn sample(package: &str, round: &str) -> Result<Sample> {
    let target = root().join("target/bench");
    fs::write(target.join("sample"), format!("{package} {round}"))?;
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["check", "--quiet", "--package", package])
        .current_dir(root())
        // What an earlier run left must not make this one faster.
        .env("CARGO_INCREMENTAL", "0");
    let (start, used) = (Instant::now(), processor::children()?);
    let status = command.status()?;
    let check = start.elapsed();
    let processor = processor::children()? - used;
    if !status.success() {
        return Err(format!("`cargo check --package {package}` fails").into());
    }
    let report = fs::read_to_string(target.join(format!("{package}.report")))?;
    let (script, lines) = report.split_once(' ').ok_or("a report is two numbers")?;
    Ok(Sample {
        check,
        processor,
        script: Duration::from_micros(script.parse()?),
        lines: lines.parse()?,
    })
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn median(samples: &mut [Sample], time: impl Fn(&Sample) -> Duration) -> Duration {
    samples.sort_by_key(&time);
    time(&samples[samples.len() / 2])
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

//! One interface: what the macro does, and what a build script does for it.

use std::{error::Error, fs, path::Path, time::Duration};

use astarte_build::{
    Config,
    macros::{self, Site},
};
use astarte_interface::{Interface, Source};
use quote::quote;

use crate::{documents::document, processor};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Samples of each stage, in turns.
const SAMPLES: usize = 5;
/// Runs of a sample: the kernel counts in steps of some milliseconds.
const RUNS: u32 = 100;

const FILE: &str = "target/bench/expansion.json";

/// Measures the stages, and prints a table in Markdown.
pub(crate) fn run() -> Result<()> {
    println!(
        "\n| an interface of 8 mappings, median of the processor's time | read and checked | macro | build script |"
    );
    println!("|---|--:|--:|--:|");
    for aggregation in ["object", "individual"] {
        let text = document(aggregation, 0);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        fs::create_dir_all(file.parent().ok_or("the file is in a folder")?)?;
        fs::write(&file, &text)?;
        let config = Config::new().interface(FILE);
        let mut samples = [const { Vec::new() }; 3];
        for _ in 0..SAMPLES {
            samples[0].push(timed(|| {
                Interface::parse(&Source::new(FILE, text.as_str())).is_ok()
            })?);
            samples[1].push(timed(expand)?);
            samples[2].push(timed(|| config.generate().is_ok())?);
        }
        let [read, expanded, generated] = samples.map(median);
        println!("| {aggregation} | {read:.2?} | {expanded:.2?} | {generated:.2?} |");
    }
    Ok(())
}

/// What the macro does, but for rustc's conversion of its tokens.
fn expand() -> usize {
    let site = Site {
        manifest_dir: Path::new(env!("CARGO_MANIFEST_DIR")),
        above: &|| None,
    };
    let expanded = macros::interface(
        quote!(#FILE),
        quote!(
            pub struct Bench;
        ),
        &site,
    );
    expanded.into_iter().count()
}

fn timed<T>(mut work: impl FnMut() -> T) -> Result<Duration> {
    let start = processor::own()?;
    for _ in 0..RUNS {
        std::hint::black_box(work());
    }
    Ok((processor::own()? - start) / RUNS)
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}

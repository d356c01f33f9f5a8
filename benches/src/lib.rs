//! What the benchmarks share: cases that are measured in turns, and compared with the first one.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Cases that are compared with each other.
///
/// They are measured in turns, so that whatever else the machine does slows all of them down. The ratios of one run
/// are what to look at; times of different machines or days say little.
pub struct Group<'a> {
    name: &'a str,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: String,
    /// Bytes of input of one run, for the throughput; zero shows none.
    bytes: usize,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Group<'a> {
    /// Starts without cases.
    pub fn new(name: &'a str) -> Self {
        let cases = Vec::new();
        Self { name, cases }
    }

    /// Adds a case; the first one is what the others are compared with.
    pub fn case<T>(self, name: impl Into<String>, run: impl FnMut() -> T + 'a) -> Self {
        self.case_of(0, name, run)
    }

    /// Adds a case that reads so many bytes a run.
    pub fn case_of<T>(
        mut self,
        bytes: usize,
        name: impl Into<String>,
        mut run: impl FnMut() -> T + 'a,
    ) -> Self {
        self.cases.push(Case {
            name: name.into(),
            bytes,
            run: Box::new(move || {
                black_box(run());
            }),
        });
        self
    }

    /// Measures all cases, and prints a table in Markdown.
    pub fn run(mut self) {
        let repeats: Vec<u32> = self.cases.iter_mut().map(Case::repeats).collect();
        let mut samples = vec![Vec::new(); self.cases.len()];
        for _ in 0..SAMPLES {
            for ((case, repeats), samples) in self.cases.iter_mut().zip(&repeats).zip(&mut samples)
            {
                samples.push(case.measure(*repeats) / *repeats);
            }
        }
        println!(
            "\n| {} | fastest | median | throughput | ratio |",
            self.name
        );
        println!("|---|--:|--:|--:|--:|");
        let mut first = None;
        for (case, mut samples) in self.cases.iter().zip(samples) {
            samples.sort();
            let (fastest, median) = (samples[0], samples[samples.len() / 2]);
            // The fastest is what other work on the machine disturbs least.
            let first = *first.get_or_insert(fastest);
            let ratio = fastest.as_secs_f64() / first.as_secs_f64();
            let throughput = throughput(case.bytes, fastest);
            let name = &case.name;
            println!("| {name} | {fastest:.1?} | {median:.1?} | {throughput} | {ratio:.2} |");
        }
    }
}

impl Case<'_> {
    /// How often the case runs in about the time of a sample. This warms it up as well.
    fn repeats(&mut self) -> u32 {
        let mut repeats = 1;
        loop {
            let took = self.measure(repeats);
            if took >= SAMPLE / 2 {
                let wanted = f64::from(repeats) * SAMPLE.as_secs_f64() / took.as_secs_f64();
                // Both are small: `repeats` at least doubles `took` in each turn.
                return (wanted as u32).max(1);
            }
            repeats = repeats.saturating_mul(2);
        }
    }

    fn measure(&mut self, repeats: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..repeats {
            (self.run)();
        }
        start.elapsed()
    }
}

fn throughput(bytes: usize, time: Duration) -> String {
    match bytes {
        0 => String::new(),
        bytes => format!("{:.1} MB/s", bytes as f64 / time.as_secs_f64() / 1e6),
    }
}

/// Samples of each case.
const SAMPLES: usize = 41;
/// The time that a sample takes: long enough for the clock, short enough that the cases take turns often.
const SAMPLE: Duration = Duration::from_millis(10);

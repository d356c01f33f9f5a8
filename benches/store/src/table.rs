//! Tables in Markdown.

use std::time::Duration;

pub(crate) fn head(title: &str, columns: &[&str]) {
    println!("\n| {title} | {} |", columns.join(" | "));
    println!("|---|{}", "--:|".repeat(columns.len()));
}

pub(crate) fn row(name: &str, cells: &[String]) {
    println!("| {name} | {} |", cells.join(" | "));
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn rate(value: f64) -> String {
    format!("{value:.0}/s")
}

pub(crate) fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

pub(crate) fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

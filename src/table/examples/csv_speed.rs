//! Reads a mixed file of 100,000 rows and 25 columns in pieces of 256 kB and prints MB/s; or the file that is named.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use table::{Options, csv};

fn main() {
    let file = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path).expect("the file can be read"),
        None => mixed(100_000).into_bytes(),
    };
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let mut longest_push = Duration::ZERO;
        let mut reader = csv::Reader::new(Options::default());
        for piece in file.chunks(256 * 1024) {
            let pushed = Instant::now();
            reader.push(piece).expect("the file is well-formed");
            longest_push = longest_push.max(pushed.elapsed());
        }
        let finishing = Instant::now();
        let read = reader.finish().expect("the file is well-formed");
        let finish = finishing.elapsed();
        let elapsed = started.elapsed();
        best = best.min(elapsed);
        println!(
            "{:.1} MB, {} rows x {} columns: {:.1} ms, {:.0} MB/s; longest push {:.2} ms, finish {:.1} ms; {:.1} MB held",
            file.len() as f64 / 1e6,
            read.table.n_rows(),
            read.table.n_columns(),
            elapsed.as_secs_f64() * 1e3,
            file.len() as f64 / 1e6 / elapsed.as_secs_f64(),
            longest_push.as_secs_f64() * 1e3,
            finish.as_secs_f64() * 1e3,
            read.table.n_bytes() as f64 / 1e6,
        );
    }
    println!("best {:.1} ms", best.as_secs_f64() * 1e3);
}

/// Sixteen columns of numbers, four of whole numbers, five of texts; one cell in a hundred is empty.
fn mixed(n_rows: usize) -> String {
    let mut state = 1_u64;
    let mut draw = move || {
        // Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut file = (0..25).map(|column_idx| format!("column_{column_idx}")).collect::<Vec<_>>().join(",");
    file.push('\n');
    for row_idx in 0..n_rows {
        for column_idx in 0..25 {
            if column_idx > 0 {
                file.push(',');
            }
            let value = draw();
            if value % 100 == 0 {
                continue;
            }
            let _ = match column_idx {
                0..8 => write!(file, "{:.6}", value as f64 / 1e7 - 100.0),
                8..12 => write!(file, "{}", (value as f64 / 2f64.powi(31)).sqrt()),
                12..16 => write!(file, "{:.2}", value as f64 / 1e5),
                16..20 => write!(file, "{}", value % 1_000_000),
                20..22 => write!(file, "category {}", value % 20),
                22 => write!(file, "\"Smith, {}\"", value % 500),
                23 => write!(file, "user-{row_idx}-{value:x}"),
                _ => write!(file, "{}", ["north", "south", "east", "west"][value as usize % 4]),
            };
        }
        file.push('\n');
    }
    file
}

//! How long a query takes over a million requests: `cargo run --release -p monitor --example query_speed`.

use std::time::Instant;

use monitor::query::{Tables, query};
use monitor::{RequestEvent, Served};
use registry::Name;

const N: u64 = 1_000_000;
const QUERIES: [&str; 3] = [
    "requests | where resultCode >= 400 and duration > 5 \
     | summarize count(), avg(duration), percentile(duration, 95) by name, bin(timestamp, 1m) | top 10 by count_",
    "requests | summarize count(), avg(duration), percentile(duration, 95) by name, bin(timestamp, 1m) | top 10 by count_",
    "requests | where name contains 'model-3' | order by duration desc | take 5 | project timestamp, duration",
];

fn main() {
    let mut stream = numeric::Stream::new(1);
    let mut tables = Tables::default();
    let names: Vec<Name> = (0..8).map(|i| Name::new(&format!("model-{i}")).expect("a name")).collect();
    for i in 0..N {
        let name = &names[stream.below(8) as usize];
        tables.push_request(&RequestEvent {
            at_ms: 1_795_874_400_000 + i * 36,
            id: i.to_string(),
            served: Served { endpoint: Some(name.clone()), ..Served::default() },
            status: if stream.uniform() < 0.1 { 400 } else { 200 },
            seconds: -0.005 * numeric::ln(1.0 - stream.uniform()),
            n_rows: 1,
        });
    }
    for text in QUERIES {
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let begin = Instant::now();
                query(text, &tables, 0).expect("a query");
                begin.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{:.0} ms (median of 5; {:.0} to {:.0}): {text}", times[2], times[0], times[4]);
    }
}

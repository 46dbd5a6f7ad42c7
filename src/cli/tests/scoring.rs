//! A table is predicted batch by batch, and goes on where it stopped.

mod lab;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lab::{Folder, PIPELINE, Server, raw_rows, soon};

fn registered(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.millrace(&["register", PIPELINE, "--name", "churn"]);
    folder
}

/// The raw rows of the pipeline as a file, so many times.
fn table(folder: &Folder, n_times: usize) -> PathBuf {
    let mut bytes = Vec::new();
    table::csv::write(&raw_rows(), &mut |piece| bytes.extend_from_slice(piece));
    let text = String::from_utf8(bytes).expect("it is text");
    let (head, rows) = text.split_once('\n').expect("it has rows");
    let path = folder.0.join("rows.csv");
    fs::write(&path, format!("{head}\n{}", rows.repeat(n_times))).expect("it is written");
    path
}

fn score(folder: &Folder, table: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
    command.arg("score").arg(table).arg("--out").arg(out).args(more).arg("--registry").arg(&folder.0);
    command
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_version_and_an_endpoint_predict_the_same() {
    let folder = registered("score-both");
    folder.millrace(&["deploy", "models:/churn/1"]);
    let server = Server::start(&folder.0);
    let (rows, here, there) = (table(&folder, 1), folder.0.join("here.csv"), folder.0.join("there.csv"));
    succeeded(&score(&folder, &rows, &here, &["--model", "models:/churn/1"]).output().expect("it starts"));
    let address = format!("http://{}/v2/models/churn", server.address);
    succeeded(&score(&folder, &rows, &there, &["--endpoint", &address]).output().expect("it starts"));
    let here = fs::read_to_string(here).expect("it is written");
    assert_eq!(here, fs::read_to_string(there).expect("it is written"));
    assert_eq!(here.lines().count(), 1_001);
    assert_eq!(here.lines().next(), Some("row,prediction,probability of no,probability of yes,error"));
    assert!(here.lines().nth(1_000).is_some_and(|line| line.starts_with("1000,") && line.ends_with(',')));
}

#[test]
fn what_was_killed_goes_on_where_it_stopped() {
    let folder = registered("score-killed");
    let (rows, out) = (table(&folder, 20), folder.0.join("out.csv"));
    let asked = ["--model", "models:/churn/1", "--batch-size", "10"];
    let mut child = score(&folder, &rows, &out, &asked).stdout(Stdio::null()).spawn().expect("it starts");
    let part = folder.0.join("out.csv.part");
    soon(|| fs::metadata(&part).is_ok_and(|part| part.len() > 10_000));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(!out.exists(), "it is not whole yet");
    let before = fs::metadata(&part).expect("it is there").len();
    // What was written last may be cut off, or not be counted.
    fs::OpenOptions::new()
        .append(true)
        .open(&part)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"77,x"))
        .expect("it is written");
    let other = score(&folder, &rows, &out, &["--model", "models:/churn/1", "--batch-size", "11"]).output();
    let why = String::from_utf8(other.expect("it starts").stderr).expect("it is text");
    assert!(why.contains("is the beginning of other work"), "{why}");
    succeeded(&score(&folder, &rows, &out, &asked).output().expect("it starts"));
    let whole = folder.0.join("whole.csv");
    succeeded(&score(&folder, &rows, &whole, &["--model", "models:/churn/1"]).output().expect("it starts"));
    let (found, expected) =
        (fs::read_to_string(&out).expect("it is whole"), fs::read_to_string(whole).expect("so is it"));
    assert_eq!(found.lines().count(), 20_001);
    assert!(found == expected && before < expected.len() as u64, "it is as if it had never been killed");
    assert!(!part.exists() && !folder.0.join("out.csv.progress").exists());
}

#[test]
fn what_lost_its_end_begins_anew() {
    let folder = registered("score-lost");
    let (rows, out) = (table(&folder, 1), folder.0.join("out.csv"));
    let asked = ["--model", "models:/churn/1", "--batch-size", "10"];
    succeeded(&score(&folder, &rows, &out, &asked).output().expect("it starts"));
    let whole = fs::read_to_string(&out).expect("it is whole");
    let mut child = score(&folder, &rows, &out, &asked).spawn().expect("it starts");
    let (part, progress) = (folder.0.join("out.csv.part"), folder.0.join("out.csv.progress"));
    soon(|| progress.exists() && fs::metadata(&part).is_ok_and(|part| part.len() > 1_000));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    fs::remove_file(&out).expect("it is there");
    // As after a loss of power: the record is newer than what it is of.
    fs::OpenOptions::new().write(true).open(&part).and_then(|file| file.set_len(100)).expect("it is there");
    succeeded(&score(&folder, &rows, &out, &asked).output().expect("it starts"));
    assert!(fs::read_to_string(&out).expect("it is whole") == whole);
}

#[test]
fn rows_that_do_not_fit_are_named_and_stop_it_when_there_are_too_many() {
    let folder = registered("score-errors");
    let (rows, out) = (table(&folder, 1), folder.0.join("out.csv"));
    let mut lines: Vec<String> = fs::read_to_string(&rows).expect("it is there").lines().map(str::to_owned).collect();
    let age = lines[0].split(',').position(|name| name == "age").expect("it is a column");
    for row in [3, 500] {
        let mut cells: Vec<&str> = lines[row].split(',').collect();
        cells[age] = "30.5";
        lines[row] = cells.join(",");
    }
    fs::write(&rows, lines.join("\n")).expect("it is written");
    let stopped = score(&folder, &rows, &out, &["--model", "models:/churn/1", "--error-threshold", "1"]).output();
    let stopped = stopped.expect("it starts");
    assert_eq!(stopped.status.code(), Some(1));
    let why = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(why.contains("2 rows of the first 1000 cannot be predicted, at most 1 may: schema.type_mismatch"), "{why}");
    succeeded(
        &score(&folder, &rows, &out, &["--model", "models:/churn/1", "--error-threshold", "2"])
            .output()
            .expect("it starts"),
    );
    let found = fs::read_to_string(&out).expect("it is written");
    let errors: Vec<&str> = found.lines().filter(|line| line.contains("schema.type_mismatch")).collect();
    assert_eq!(errors.len(), 2);
    assert!(errors[0].starts_with("3,,,,\"schema.type_mismatch: column \"\"age\"\": expected"), "{errors:?}");
}

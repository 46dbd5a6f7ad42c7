//! `millrace test`: metrics held to assertions, for continuous integration.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use protocol::NodeOutcome;

use crate::run::{Compute, Ran};
use crate::{Outcome, Subject, say, values};

/// What `test` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// What must hold, such as "evaluate.auc >= 0.9"
    #[arg(long = "assert", value_name = "NODE.METRIC OP NUMBER", required = true)]
    assertions: Vec<Assertion>,
    /// Write the outcome as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// A bound on one metric of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    text: String,
    node: String,
    metric: String,
    comparison: Comparison,
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Above,
    Below,
    Equal,
    Different,
}

/// Longer signs first: `>` begins `>=`.
const SIGNS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("==", Comparison::Equal),
    ("!=", Comparison::Different),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl FromStr for Assertion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("{text:?} is no assertion: write NODE.METRIC OP NUMBER, as in \"evaluate.auc >= 0.9\"");
        let (place, comparison, bound) = SIGNS
            .iter()
            .find_map(|(sign, comparison)| text.split_once(sign).map(|(place, bound)| (place, *comparison, bound)))
            .ok_or_else(form)?;
        let (node, metric) = place.trim().split_once('.').ok_or_else(form)?;
        if metric.contains(['=', '<', '>', '!']) {
            return Err(form());
        }
        let bound = bound.trim().parse().map_err(|_| form())?;
        Ok(Self { text: text.trim().to_owned(), node: node.to_owned(), metric: metric.to_owned(), comparison, bound })
    }
}

impl Assertion {
    /// The metric's value when the assertion holds; otherwise why it does not.
    fn judge(&self, ran: &Ran) -> Result<f64, String> {
        let found = ran.report.nodes.iter().find(|(id, _)| id.as_str() == self.node);
        let (_, node) = found.ok_or_else(|| {
            let judged = ran.report.nodes.iter().filter(|(_, node)| !node.metrics.is_empty());
            let ids: Vec<_> = judged.map(|(id, _)| id.as_str()).collect();
            let hint = values::hint(&self.node, ids.iter().copied());
            format!("the pipeline has no node {:?}; nodes with metrics: {}{hint}", self.node, ids.join(", "))
        })?;
        if let NodeOutcome::Failed(failure) = &node.outcome {
            return Err(format!("the node failed: {}", failure.message));
        }
        let value = node.metrics.get(&self.metric).copied().ok_or_else(|| {
            let names: Vec<_> = node.metrics.keys().map(String::as_str).collect();
            match names.as_slice() {
                [] => format!("{} has no metrics: {}", self.node, node.why),
                _ => {
                    let hint = values::hint(&self.metric, names.iter().copied());
                    format!("{} has no metric {:?}; it has {}{hint}", self.node, self.metric, names.join(", "))
                }
            }
        })?;
        let holds = match self.comparison {
            Comparison::AtLeast => value >= self.bound,
            Comparison::AtMost => value <= self.bound,
            Comparison::Above => value > self.bound,
            Comparison::Below => value < self.bound,
            Comparison::Equal => value == self.bound,
            Comparison::Different => value != self.bound,
        };
        if holds { Ok(value) } else { Err(format!("it is {value}")) }
    }
}

/// Runs the pipeline once and judges every assertion.
pub fn test(arguments: &Arguments) -> Result<Outcome> {
    let ran = Ran::new(&arguments.subject, &[], Compute::default(), false)?;
    let verdicts: Vec<_> = arguments.assertions.iter().map(|assertion| (assertion, assertion.judge(&ran))).collect();
    for (assertion, verdict) in &verdicts {
        match verdict {
            Ok(value) => say::out(&format!("ok      {} ({value})\n", assertion.text))?,
            Err(reason) => say::out(&format!("FAILED  {}: {reason}\n", assertion.text))?,
        }
    }
    let n_failed = verdicts.iter().filter(|(_, verdict)| verdict.is_err()).count();
    say::out(&format!("{} passed, {n_failed} failed\n", verdicts.len() - n_failed))?;
    if let Some(path) = &arguments.junit {
        let report = junit(&ran, &verdicts);
        std::fs::write(path, report).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(if n_failed == 0 { Outcome::Good } else { Outcome::Bad })
}

fn junit(ran: &Ran, verdicts: &[(&Assertion, Result<f64, String>)]) -> String {
    let n_failed = verdicts.iter().filter(|(_, verdict)| verdict.is_err()).count();
    let suite = escaped(&ran.document.name);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{suite}\" tests=\"{}\" \
         failures=\"{n_failed}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\">\n",
        verdicts.len(),
        ran.report.elapsed_secs
    );
    for (assertion, verdict) in verdicts {
        let name = escaped(&assertion.text);
        match verdict {
            Ok(_) => xml.push_str(&format!("    <testcase classname=\"{suite}\" name=\"{name}\"/>\n")),
            Err(reason) => xml.push_str(&format!(
                "    <testcase classname=\"{suite}\" name=\"{name}\"><failure message=\"{}\"/></testcase>\n",
                escaped(reason)
            )),
        }
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Text as XML may hold it: characters that XML does not know are left out.
fn escaped(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_read_with_and_without_spaces() {
        let spaced: Assertion = "evaluate.auc >= 0.9".parse().unwrap();
        let tight: Assertion = "evaluate.auc>=0.9".parse().unwrap();
        assert_eq!((spaced.node.as_str(), spaced.metric.as_str(), spaced.bound), ("evaluate", "auc", 0.9));
        assert_eq!(spaced.comparison, Comparison::AtLeast);
        assert_eq!((tight.node, tight.metric, tight.bound), (spaced.node, spaced.metric, spaced.bound));
        let second: Assertion = "evaluate.auc.2 < 1e-3".parse().unwrap();
        assert_eq!((second.metric.as_str(), second.comparison, second.bound), ("auc.2", Comparison::Below, 1e-3));
    }

    #[test]
    fn what_is_no_assertion_says_how_to_write_one() {
        for text in ["", "auc > 0.9", "evaluate.auc", "evaluate.auc >= high", "evaluate.auc => 0.9"] {
            let message = text.parse::<Assertion>().unwrap_err();
            assert!(message.contains("NODE.METRIC OP NUMBER"), "{text:?} gave {message}");
        }
    }
}

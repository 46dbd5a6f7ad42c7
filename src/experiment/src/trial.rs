//! A trial of a sweep as a run: what its own record tells beyond the run that was watched.

use charts::{Axis, Figure, Marks, Series};
use pipeline::{NodeId, Pipeline};
use protocol::Direction;
use study::{Goal, Trial, TrialState, better_when, metric_label};

use crate::figures::{Shown, write_shown};
use crate::record::{FigureRecord, MetricRecord, RunRecord, RunState, TrialOf};

/// The figure that holds what a trial came to at each of its intervals.
pub const INTERMEDIATE: &str = "intermediate";

/// A trial that is over.
pub struct EndedTrial<'a> {
    /// The sweep's id.
    pub sweep: &'a str,
    /// How it went.
    pub trial: &'a Trial,
    /// The metric that is aimed at first: `auc`, or `evaluate.auc`.
    pub metric: &'a str,
    /// The node that measures it, where that is known. Metrics of the trial that name no node are its own.
    pub judge: Option<NodeId>,
}

impl RunRecord {
    /// The run ended as its trial did. Where nothing was seen of it, because it ran before anything was recorded or in
    /// a process that is gone, the trial's own metrics are taken.
    pub fn end_as(&mut self, ended: &EndedTrial<'_>, pipeline: &Pipeline) {
        let trial = ended.trial;
        if self.nodes.is_empty() {
            self.elapsed_secs = trial.elapsed_secs.unwrap_or_default();
            self.metrics
                .extend(trial.metrics.iter().filter_map(|(metric, value)| ended.metric(metric, *value, pipeline)));
        }
        if let (Some(judge), Some(figure)) = (&ended.judge, on_the_way(ended.metric, &trial.intermediate)) {
            let json = write_shown(&Shown::Figure(Box::new(figure)));
            self.figures.push(FigureRecord { node: judge.clone(), json });
        }
        (self.state, self.message) = match trial.state {
            TrialState::Done => (RunState::Done, String::new()),
            // The run's own reason names the node.
            TrialState::Failed if self.state == RunState::Failed => {
                (RunState::Failed, std::mem::take(&mut self.message))
            }
            TrialState::Failed => (RunState::Failed, trial.failure.clone().unwrap_or_default()),
            TrialState::Waiting | TrialState::Running | TrialState::StoppedEarly | TrialState::Cancelled => {
                (RunState::Stopped, trial.reason.clone().unwrap_or_default())
            }
        };
        self.trial = Some(TrialOf { sweep: ended.sweep.into(), number: trial.number });
    }
}

impl EndedTrial<'_> {
    fn metric(&self, metric: &str, value: f64, pipeline: &Pipeline) -> Option<MetricRecord> {
        let named = metric.split_once('.').and_then(|(node, name)| Some((NodeId::new(node).ok()?, name)));
        let named = named.filter(|(node, _)| pipeline.node(node).is_some());
        let (node, name) = named.or_else(|| Some((self.judge.clone()?, metric)))?;
        let better = better_when(name).map(|goal| match goal {
            Goal::Maximize => Direction::Higher,
            Goal::Minimize => Direction::Lower,
        });
        let label = metric_label(name);
        Some(MetricRecord { node, name: name.into(), label, value, better, n_rows: None, repeats: None })
    }
}

/// What a trial came to at each interval, by which it may be given up; none if it reported nothing on its way.
fn on_the_way(metric: &str, figures: &[f64]) -> Option<Figure> {
    if figures.is_empty() {
        return None;
    }
    let label = metric_label(metric);
    let axis = |label: &str| Axis { label: label.into(), range: None, fixed: false, categories: Vec::new() };
    let points = (1..).zip(figures).map(|(interval, figure)| (f64::from(interval), *figure)).collect();
    Some(Figure {
        id: INTERMEDIATE.into(),
        title: "Figures on the way".into(),
        summary: format!("{label} at each interval of the trial, by which it may be given up early"),
        x: axis("Interval"),
        y: axis(&label),
        series: vec![Series { name: label, color_idx: 0, marks: Marks::Line(points), detail: None }],
        guides: Vec::new(),
        n_rows: 0,
        sampling: String::new(),
    })
}

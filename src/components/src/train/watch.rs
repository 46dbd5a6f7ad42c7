//! A network while it learns: how the loss falls, how often it is right, what it says where, and what its layers are like.

use std::rc::Rc;

use charts::{Axis, Figure, Marks, RAMP, Series};
use engine::{Job, JobError};
use learn::accelerator::Accelerator;
use learn::neural::{Sight, Standings};
use learn::{Checkpoint, Stopped, Trained};
use model::{FeatureEncoding, Image, Layer, Matrix, Network, Stage, Target, softmax};
use protocol::{Map, Panel, Picture, PictureGroup, Pictures};

use super::{Training, explain};
use crate::evaluate::figures::{axis, digits, figure};
use crate::failures;

/// Rows that are judged at a time.
const N_JUDGED: usize = 200;
/// Rows that are drawn on the map.
const N_DOTS: usize = 400;
/// Cells of the map along a side.
const N_CELLS: usize = 48;
/// Pictures of a group.
const N_PICTURES: usize = 16;
/// Shades of a picture along a side.
const N_SHADES: usize = 48;

/// Trains a network, and shows it to whoever looks. What it is like in the end comes beside the model.
pub async fn train(job: &mut Job<'_>, training: &Training<'_>) -> Result<(Trained, Vec<Panel>), JobError> {
    let Training { learner, table, target, seed } = *training;
    let mut watched = Looked { job, sample: None, curve: Vec::new(), last: Vec::new() };
    let trained = learn::train_with_notes(learner, table, target, seed, &mut watched).await;
    let last = watched.last;
    Ok((trained.map_err(|error| failures::from_fit(&error))?, last))
}

/// A job that may be looked at.
struct Looked<'j, 'a> {
    job: &'j mut Job<'a>,
    sample: Option<Sample>,
    curve: Vec<Judged>,
    last: Vec<Panel>,
}

/// Rows that are looked at, always the same.
struct Sample {
    training: Vec<usize>,
    held_out: Vec<usize>,
}

/// How it did after some passes: the share told right, or the root of the mean squared error.
struct Judged {
    n_passes: f64,
    training: f64,
    held_out: Option<f64>,
}

impl Checkpoint for Looked<'_, '_> {
    async fn checkpoint(&mut self, fraction: f64, message: &str) -> Result<(), Stopped> {
        self.job.checkpoint(fraction, message).await.map_err(|_| Stopped)
    }

    fn accelerator(&self) -> Option<Rc<dyn Accelerator>> {
        self.job.accelerator()
    }

    fn remark(&mut self, sentence: String) {
        self.job.remark(sentence);
    }

    fn wants_sight(&mut self) -> bool {
        self.job.wants_sight()
    }

    fn sight(&mut self, sight: Sight<'_>) {
        let Some(dataset) = sight.dataset else { return };
        let sample = self.sample.get_or_insert_with(|| Sample::new(&sight));
        let shown =
            Shown { sight: &sight, features: &dataset.features.features, x: &dataset.x, target: &dataset.target };
        let mut lasting: Vec<Panel> = shown.map().into_iter().collect();
        if let Some(row_idx) = sample.held_out.first().or(sample.training.first()) {
            lasting.push(shown.activations(*row_idx));
        }
        lasting.push(Panel::Pictures(weights(sight.network)));
        if sight.is_last {
            self.last = lasting;
            return;
        }
        self.curve.push(Judged {
            n_passes: sight.n_passes,
            training: shown.judge(&sample.training).unwrap_or(f64::NAN),
            held_out: shown.judge(&sample.held_out),
        });
        // The map comes early, if there is one: it says most.
        let n_maps = usize::from(matches!(lasting.first(), Some(Panel::Map { .. })));
        lasting.insert(n_maps, Panel::Figure(shown.curve(&self.curve)));
        lasting.insert(0, Panel::Figure(explain::losses(&sight.network.losses, dataset.x.n_rows as u64)));
        self.job.sight(lasting);
    }

    fn passed(&mut self) {
        self.job.passed();
    }

    fn standings(&self) -> Option<Rc<Standings>> {
        self.job.standings()
    }

    fn wants_standing(&mut self) -> bool {
        self.job.wants_standing()
    }
}

impl Sample {
    fn new(sight: &Sight<'_>) -> Self {
        let n_rows = sight.rows.targets.len();
        let mut is_held_out = vec![false; n_rows];
        sight.held_out.iter().for_each(|row_idx| is_held_out[*row_idx as usize] = true);
        let of = |wanted: bool| {
            let rows: Vec<usize> = (0..n_rows).filter(|row_idx| is_held_out[*row_idx] == wanted).collect();
            spread(rows.len(), N_JUDGED).map(|at| rows[at]).collect()
        };
        Self { training: of(false), held_out: of(true) }
    }
}

/// At most so many positions below `n`, evenly spread.
fn spread(n: usize, n_most: usize) -> impl Iterator<Item = usize> {
    let n_taken = n.min(n_most);
    (0..n_taken).map(move |at| at * n / n_taken)
}

/// A sight, and what its numbers are called.
struct Shown<'a> {
    sight: &'a Sight<'a>,
    features: &'a [model::Feature],
    x: &'a Matrix,
    target: &'a Target,
}

impl Shown<'_> {
    fn classes(&self) -> &[String] {
        match self.target {
            Target::Class { classes, .. } => classes,
            Target::Number { .. } => &[],
        }
    }

    /// What is predicted of rows: a number each, or the probabilities of the classes.
    fn predicted(&self, x: &Matrix) -> Vec<f64> {
        self.sight.network.predict(x, self.classes().len())
    }

    /// The share of rows told right, or the root of their mean squared error; nothing of no rows.
    fn judge(&self, rows: &[usize]) -> Option<f64> {
        let n_columns = self.x.n_columns;
        let values = (0..n_columns).flat_map(|column| rows.iter().map(move |row| (*row, column)));
        let x = Matrix {
            values: values.map(|(row, column)| self.x.at(row, column)).collect(),
            n_rows: rows.len(),
            n_columns,
        };
        let targets = rows.iter().map(|row| self.sight.rows.targets[*row]);
        let predicted = self.predicted(&x);
        if rows.is_empty() {
            return None;
        }
        let of = |(predicted, target): (&[f64], f32)| match self.target {
            Target::Class { .. } => f64::from(u8::from(strongest(predicted).0 == target as usize)),
            Target::Number { .. } => {
                let (mean, deviation) = self.sight.network.target;
                let error = predicted[0] - (f64::from(target) * deviation + mean);
                error * error
            }
        };
        let mean = predicted.chunks(self.classes().len().max(1)).zip(targets).map(of).sum::<f64>() / rows.len() as f64;
        Some(if self.classes().is_empty() { numeric::sqrt(mean) } else { mean })
    }

    /// How it did so far.
    fn curve(&self, judged: &[Judged]) -> Figure {
        let (title, label) = match self.target {
            Target::Class { .. } => ("Accuracy", "Share told right".to_owned()),
            Target::Number { name } => ("Root mean squared error", format!("Error of {name}")),
        };
        let mut shown = figure("accuracy", title, axis("Pass"), axis(&label), self.x.n_rows);
        shown.summary = format!("{title} of up to {N_JUDGED} rows of each kind while the network learns.");
        let line = |name: &str, color_idx, value: fn(&Judged) -> Option<f64>| {
            let points = judged.iter().filter_map(|judged| Some((judged.n_passes, value(judged)?)));
            Series { name: name.into(), color_idx, marks: Marks::Line(points.collect()), detail: None }
        };
        shown.series.push(line("Training rows", 0, |judged| Some(judged.training)));
        if judged.iter().any(|judged| judged.held_out.is_some()) {
            shown.series.push(line("Rows held out", 1, |judged| judged.held_out));
        }
        shown
    }

    /// What it says where, if there are just two numbers to say it of.
    fn map(&self) -> Option<Panel> {
        let [first, second] = self.features else { return None };
        if [first, second].iter().any(|feature| feature.encoding != FeatureEncoding::Number) {
            return None;
        }
        let [x, y] = [0, 1].map(|column| {
            let values = self.x.column(column);
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let margin = if high > low { 0.05 * (high - low) } else { 1.0 };
            (low - margin, high + margin)
        });
        let place = |at: usize, (low, high): (f64, f64)| low + (at as f64 + 0.5) / N_CELLS as f64 * (high - low);
        let across = (0..N_CELLS * N_CELLS).map(|cell| place(cell % N_CELLS, x));
        let down = (0..N_CELLS * N_CELLS).map(|cell| place(N_CELLS - 1 - cell / N_CELLS, y));
        let cells = Matrix { values: across.chain(down).collect(), n_rows: N_CELLS * N_CELLS, n_columns: 2 };
        let colored = Colored::new(self);
        let predicted = self.predicted(&cells);
        let (colors, strengths) =
            predicted.chunks(self.classes().len().max(1)).map(|predicted| colored.of(predicted)).unzip();
        let range = |name: &str, range| Axis { range: Some(range), fixed: true, ..axis(name) };
        let n_rows = self.x.n_rows;
        let name = self.target.name();
        let mut chart =
            figure("map", &format!("{name}, as predicted"), range(&first.name, x), range(&second.name, y), n_rows);
        chart.summary = format!(
            "What is predicted for each pair of {} and {}, and the rows as they are; the paler, the less sure.",
            first.name, second.name
        );
        let mut dots = vec![Vec::new(); colored.names.len()];
        for row_idx in spread(n_rows, N_DOTS) {
            dots[colored.rank(self.sight.rows.targets[row_idx])].push((self.x.at(row_idx, 0), self.x.at(row_idx, 1)));
        }
        if n_rows > N_DOTS {
            chart.sampling = format!("{N_DOTS} of them shown");
        }
        chart.series = colored
            .names
            .iter()
            .zip(dots)
            .enumerate()
            .map(|(rank, (name, dots))| Series {
                name: name.clone(),
                color_idx: colored.first + rank as u8,
                marks: Marks::Points(dots),
                detail: None,
            })
            .collect();
        Some(Panel::Map { figure: chart, map: Map { n_columns: N_CELLS as u32, colors, strengths } })
    }

    /// What the stages make of a row.
    fn activations(&self, row_idx: usize) -> Panel {
        let Sight { network, rows, .. } = self.sight;
        let mut values = self.sight.activations(row_idx);
        let n_stages = network.stages.len();
        let mut says = String::new();
        if let (Some(last), Target::Class { classes, .. }) = (values.last_mut(), self.target) {
            softmax(last);
            let (class, share) = strongest(&last.iter().map(|p| f64::from(*p)).collect::<Vec<_>>());
            let actual = &classes[(rows.targets[row_idx] as usize).min(classes.len() - 1)];
            says = format!(": {actual}, told {} with {}", classes[class], digits((share * 1e3).round() / 1e3));
        }
        let group = |(at, values): (usize, &Vec<f32>)| {
            let (label, image) = match at.checked_sub(1).map(|stage_idx| network.stages[stage_idx]) {
                None => ("What goes in".to_owned(), network.stages[0].input()),
                Some(stage) => (named(at, stage, at == n_stages), stage.output()),
            };
            of_channels(label, values, image)
        };
        Panel::Pictures(Pictures {
            id: "activations".into(),
            title: format!("One row on its way through the layers{says}"),
            summary: "What each layer makes of the row; the stronger a shade, the further from 0, in another colour below it."
                .into(),
            groups: values.iter().enumerate().map(group).collect(),
        })
    }
}

/// Colours of predictions: one for each class, or one for each of some ranges of a number.
struct Colored {
    names: Vec<String>,
    first: u8,
    /// Of a number: from where to where.
    range: Option<(f32, f32)>,
    scale: (f64, f64),
}

impl Colored {
    fn new(shown: &Shown<'_>) -> Self {
        let scale = shown.sight.network.target;
        if let Target::Class { classes, .. } = shown.target {
            return Self { names: classes.clone(), first: 0, range: None, scale };
        }
        let targets = &shown.sight.rows.targets;
        let low = targets.iter().copied().fold(f32::INFINITY, f32::min);
        let high = targets.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let n_levels = usize::from(charts::N_LEVELS);
        let edge = |level: usize| f64::from(low + (high - low) * level as f32 / n_levels as f32) * scale.1 + scale.0;
        let rounded = |value: f64| digits(format!("{value:.2e}").parse().unwrap_or(value));
        let names = (0..n_levels).map(|level| format!("{} to {}", rounded(edge(level)), rounded(edge(level + 1))));
        Self { names: names.collect(), first: RAMP, range: Some((low, high)), scale }
    }

    /// The position of a target among the colours, as it was trained on.
    fn rank(&self, target: f32) -> usize {
        match self.range {
            None => (target as usize).min(self.names.len() - 1),
            Some((low, high)) => {
                let share = if high > low { (target - low) / (high - low) } else { 0.0 };
                ((share * self.names.len() as f32) as usize).min(self.names.len() - 1)
            }
        }
    }

    /// Colour and strength of a prediction.
    fn of(&self, predicted: &[f64]) -> (u8, u8) {
        if self.range.is_some() {
            let (mean, deviation) = self.scale;
            return (self.first + self.rank(((predicted[0] - mean) / deviation) as f32) as u8, u8::MAX);
        }
        let (class, share) = strongest(predicted);
        let by_chance = 1.0 / predicted.len() as f64;
        (class as u8, ((share - by_chance) / (1.0 - by_chance) * 255.0) as u8)
    }
}

/// The most probable class, the first of equals, and how probable it is.
fn strongest(probabilities: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (class, p) in probabilities.iter().enumerate() {
        if *p > best.1 {
            best = (class, *p);
        }
    }
    best
}

/// "Layer 2, 64 nodes"; stages are counted from 1.
fn named(number: usize, stage: Stage, is_last: bool) -> String {
    let Image { height, width, n_channels } = stage.output();
    match stage {
        Stage::Dense { n_outputs: 1, .. } if is_last => "What comes out".into(),
        Stage::Dense { n_outputs, .. } if is_last => format!("What comes out: {n_outputs} classes"),
        Stage::Dense { n_outputs, .. } => format!("Layer {number}: {n_outputs} nodes"),
        Stage::Convolution { .. } => format!("Layer {number}: {n_channels} findings of {height} × {width}"),
        Stage::Pooling { .. } => format!("Layer {number}: the largest, {height} × {width}"),
    }
}

/// Numbers of an image, a picture for each channel; those of a layer without places in one picture.
fn of_channels(label: String, values: &[f32], image: Image) -> PictureGroup {
    let Image { height, width, n_channels } = image;
    if height * width == 1 {
        let n_columns = if n_channels <= N_PICTURES { n_channels } else { (n_channels as f64).sqrt().ceil() as usize };
        return group(label, vec![(n_columns, values.to_vec())], 0);
    }
    let n_shown = n_channels.min(N_PICTURES);
    let channel = |channel: usize| (width, values[channel..].iter().step_by(n_channels).copied().collect());
    group(label, (0..n_shown).map(channel).collect(), n_channels - n_shown)
}

/// The weights of all layers.
pub fn weights(network: &Network) -> Pictures {
    let n_stages = network.stages.len();
    let with_weights = network.stages.iter().enumerate().filter(|(_, stage)| stage.layer().is_some());
    let groups = with_weights.zip(&network.layers).map(|((stage_idx, stage), layer)| {
        let label = named(stage_idx + 1, *stage, stage_idx + 1 == n_stages);
        match *stage {
            Stage::Convolution { image, kernel, n_filters } => {
                of_filters(label, layer, kernel, image.n_channels, n_filters)
            }
            Stage::Dense { .. } | Stage::Pooling { .. } => {
                group(label, vec![(layer.n_outputs, layer.weights.clone())], 0)
            }
        }
    });
    Pictures {
        id: "weights".into(),
        title: "Weights".into(),
        summary: "What each node multiplies what is below it with: a column for each node of a layer, or a picture for each filter."
            .into(),
        groups: groups.collect(),
    }
}

/// A picture for each filter: means over what goes in.
fn of_filters(label: String, layer: &Layer, kernel: usize, n_channels: usize, n_filters: usize) -> PictureGroup {
    let n_shown = n_filters.min(N_PICTURES);
    let filter = |filter: usize| {
        let weights: Vec<f32> = layer.weights[filter..].iter().step_by(n_filters).copied().collect();
        let pixels = weights.chunks(n_channels).map(|channels| channels.iter().sum::<f32>() / n_channels as f32);
        (kernel, pixels.collect())
    };
    group(label, (0..n_shown).map(filter).collect(), n_filters - n_shown)
}

/// Numbers as shades of one scale; each with its columns.
fn group(label: String, pictures: Vec<(usize, Vec<f32>)>, n_left_out: usize) -> PictureGroup {
    let pictures: Vec<(usize, Vec<f32>)> = pictures.into_iter().map(|(n, values)| smaller(n, values)).collect();
    let all = pictures.iter().flat_map(|(_, values)| values).filter(|value| value.is_finite());
    let largest = all.fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let shade = |value: f32| if largest > 0.0 { (127.0 * value / largest) as i8 } else { 0 };
    let picture = |(n_columns, values): (usize, Vec<f32>)| Picture {
        n_columns: n_columns as u32,
        shades: values.into_iter().map(shade).collect(),
    };
    PictureGroup {
        label,
        largest: f64::from(largest),
        pictures: pictures.into_iter().map(picture).collect(),
        n_left_out: n_left_out as u32,
    }
}

/// Not more shades than can be told apart: of each block of numbers the one that is furthest from 0.
fn smaller(n_columns: usize, values: Vec<f32>) -> (usize, Vec<f32>) {
    let n_rows = values.len().div_ceil(n_columns.max(1));
    let (across, down) = (n_columns.div_ceil(N_SHADES), n_rows.div_ceil(N_SHADES));
    if across <= 1 && down <= 1 {
        return (n_columns, values);
    }
    let (width, height) = (n_columns.div_ceil(across), n_rows.div_ceil(down));
    let mut furthest = vec![0.0f32; width * height];
    for (at, value) in values.iter().enumerate() {
        let slot = &mut furthest[at / n_columns / down * width + at % n_columns / across];
        if value.abs() > slot.abs() {
            *slot = *value;
        }
    }
    (width, furthest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_keep_what_is_furthest_from_0() {
        assert_eq!(smaller(2, vec![1.0, 2.0, 3.0, 4.0]), (2, vec![1.0, 2.0, 3.0, 4.0]));
        let mut values = vec![0.5; 96 * 2];
        (values[0], values[97]) = (-3.0, 2.0);
        let (n_columns, shades) = smaller(96, values);
        assert_eq!((n_columns, shades.len()), (48, 48 * 2));
        assert_eq!((shades[0], shades[1], shades[48], shades[95]), (-3.0, 0.5, 2.0, 0.5));
    }

    #[test]
    fn shades_are_of_one_scale() {
        let group = group("Layer".into(), vec![(1, vec![0.5, -1.0]), (1, vec![2.0, f32::NAN])], 3);
        assert_eq!((group.largest, group.n_left_out), (2.0, 3));
        let shades: Vec<&[i8]> = group.pictures.iter().map(|picture| &*picture.shades).collect();
        assert_eq!(shades, [[31, -63], [127, 0]]);
    }

    #[test]
    fn channels_and_filters_are_pictures_of_their_own() {
        let image = Image { height: 1, width: 2, n_channels: 2 };
        let channels = of_channels("In".into(), &[1.0, 2.0, 3.0, 4.0], image);
        assert_eq!(channels.pictures[1], Picture { n_columns: 2, shades: vec![63, 127] });
        let layer = Layer {
            n_inputs: 4,
            n_outputs: 2,
            weights: vec![1.0, 0.0, 3.0, 0.0, 0.0, 4.0, 0.0, 0.0],
            biases: vec![0.0; 2],
        };
        // Two pixels by two channels: the first filter's means are 2 and 0, the second's 0 and 2.
        let filters = of_filters("Filters".into(), &layer, 2, 2, 2);
        let shades: Vec<&[i8]> = filters.pictures.iter().map(|picture| &*picture.shades).collect();
        assert_eq!(shades, [[127, 0], [0, 127]]);
    }
}

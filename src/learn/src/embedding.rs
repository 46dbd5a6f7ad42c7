//! t-SNE: places in the plane or in space such that rows that are neighbours stay neighbours.
//!
//! van der Maaten and Hinton, "Visualizing data using t-SNE" (2008), with the conventions of scikit-learn 1.9. Of many
//! rows only neighbours attract each other, and those far away repel in heaps: van der Maaten, "Accelerating t-SNE using
//! tree-based algorithms" (2014).

mod tree;

use model::{Lanes, Matrix, Screen};
use numeric::Stream;

use crate::accelerator::Comparison;
use crate::checkpoint::{Part, Watched};
use crate::clusters::{Pace, STEP};
use crate::principal::{self, ComponentsSettings, Keep};
use crate::scaling::{lanes, scaling};
use crate::{Checkpoint, FitError, Stopped};
use tree::Tree;

/// More rows take minutes.
pub const MAX_ROWS: usize = 20_000;
/// Up to so many rows every pair is looked at.
pub const MAX_EXACT_ROWS: usize = 500;
/// Steps while likeness is exaggerated.
const N_EXAGGERATED: u32 = 250;
/// The divergence is computed, and an end considered, after so many steps.
const N_UNCHECKED: u32 = 50;
/// It ends after so many steps without progress.
const PATIENCE: u32 = 300;
/// It ends when the slope, times the gains, is no longer than this.
const LEAST_SLOPE: f64 = 1e-7;
/// Rows of which an accelerator is asked together what is near them.
const N_COMPARED: usize = 512;
/// Standard deviation of the places at the start.
const START: f64 = 1e-4;
/// A logarithm of a perplexity this near to the one asked for is near enough.
const TOLERANCE: f64 = 1e-5;
/// No pair is less alike: of `ln 0` there is nothing to learn.
const LEAST_SHARE: f64 = f64::EPSILON;
/// A place for nobody, too far from all others to be felt.
const NOWHERE: f64 = 1e200;

/// How places are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TsneSettings {
    /// 2 or 3.
    pub n_components: u32,
    /// About how many neighbours count for each row; at least 1 and less than the rows.
    pub perplexity: f64,
    /// Times which likeness counts in the first 250 steps; at least 1.
    pub exaggeration: f64,
    /// How far a step goes; by the number of rows if open.
    pub learning_rate: Option<f64>,
    /// Steps at most; at least 250.
    pub max_iterations: u32,
    /// Where rows lie at first.
    pub start: Start,
    /// Whether each column is given mean 0 and standard deviation 1 before distances are taken.
    pub standardize: bool,
}

/// Where rows lie at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Along their principal components: large distances have a say in what comes of it.
    #[default]
    Components,
    /// Anywhere near the middle.
    Random,
}

impl Default for TsneSettings {
    fn default() -> Self {
        Self {
            n_components: 2,
            perplexity: 30.0,
            exaggeration: 12.0,
            learning_rate: None,
            max_iterations: 1_000,
            start: Start::Components,
            standardize: true,
        }
    }
}

/// Where rows have come to lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Of each component one number a row.
    pub places: Vec<Vec<f64>>,
    /// How much the places fail to say of what is alike (Kullback and Leibler), in nats; 0 is perfect.
    pub divergence: f64,
    /// Steps taken.
    pub n_iterations: u32,
    /// How far a step went.
    pub learning_rate: f64,
    /// Neighbours of each row that attracted it; none if every pair was looked at.
    pub n_neighbors: Option<usize>,
}

/// Finds places for rows.
///
/// # Errors
/// A setting that makes no sense, one row, too many rows, a perplexity that is not below the number of rows, too many
/// columns for principal components, numbers too large, or the user's cancellation.
pub async fn fit(
    settings: &TsneSettings,
    x: &Matrix,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Embedding, FitError> {
    settings.check(x.n_rows)?;
    let columns = scaling(x, checkpoint).await?;
    let start = start(settings, x, seed, &mut Watched::new(&mut Part::new(checkpoint, 0, 10))).await?;
    let rows = lanes(x, settings.standardize.then_some(columns.as_slice()));
    let likeness = if x.n_rows > MAX_EXACT_ROWS {
        Likeness::of_neighbors(&rows, settings.perplexity, checkpoint).await?
    } else {
        Likeness::of_pairs(&rows, settings.perplexity, checkpoint).await?
    };
    drop(rows);
    let n_neighbors = likeness.n_neighbors;
    let learning_rate =
        settings.learning_rate.unwrap_or_else(|| (x.n_rows as f64 / settings.exaggeration / 4.0).max(50.0));
    let mut descent = Descent::new(likeness, start);
    let (n_iterations, divergence) = descent.run(settings, learning_rate, checkpoint).await?;
    let Descent { mut places, .. } = descent;
    places.truncate(settings.n_components as usize);
    places.iter_mut().for_each(|places| places.truncate(x.n_rows));
    Ok(Embedding { places, divergence, n_iterations, learning_rate, n_neighbors })
}

impl TsneSettings {
    /// # Errors
    /// It makes no sense, at all or for so many rows.
    pub fn check(&self, n_rows: usize) -> Result<(), FitError> {
        let wrong = |name, found, expected| Err(FitError::Setting { name, found, expected });
        if !(2..=3).contains(&self.n_components) {
            return wrong("the number of components", self.n_components.to_string(), "2 or 3");
        }
        if !(self.perplexity.is_finite() && self.perplexity >= 1.0) {
            return wrong("the perplexity", self.perplexity.to_string(), "a number of at least 1");
        }
        if !(self.exaggeration.is_finite() && self.exaggeration >= 1.0) {
            return wrong("the early exaggeration", self.exaggeration.to_string(), "a number of at least 1");
        }
        if let Some(rate) = self.learning_rate
            && !(rate.is_finite() && rate > 0.0)
        {
            return wrong("the learning rate", rate.to_string(), "a number above 0");
        }
        if self.max_iterations < N_EXAGGERATED {
            return wrong("the number of iterations", self.max_iterations.to_string(), "at least 250");
        }
        match n_rows {
            0 => Err(FitError::NoRows),
            1 => Err(FitError::OneRow),
            n if n > MAX_ROWS => Err(FitError::TooManyToPlace { n, limit: MAX_ROWS }),
            n if self.perplexity >= n as f64 => Err(FitError::Perplexity { perplexity: self.perplexity, n }),
            _ => Ok(()),
        }
    }
}

/// Where rows lie at first: on principal components, of which the first is given the standard deviation `START`; by
/// chance along those that do not vary.
async fn start(
    settings: &TsneSettings,
    x: &Matrix,
    seed: u64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<Vec<f64>>, FitError> {
    let n = x.n_rows as f64;
    let mut places: Vec<Vec<f64>> = Vec::new();
    if settings.start == Start::Components {
        let keep = Keep::Count(settings.n_components.min(x.n_columns as u32));
        let by = ComponentsSettings { keep, standardize: settings.standardize };
        let components = principal::fit(&by, x, checkpoint).await?;
        let deviation = |places: &[f64]| {
            let mean = places.iter().sum::<f64>() / n;
            numeric::sqrt(places.iter().map(|place| (place - mean) * (place - mean)).sum::<f64>() / n)
        };
        let projected = components.project(x);
        let largest = deviation(&projected[..x.n_rows]);
        let along = projected.chunks_exact(x.n_rows).take_while(|places| deviation(places) > 1e-9 * largest);
        places.extend(along.map(|along| along.iter().map(|place| place / largest * START).collect()));
    }
    let mut stream = Stream::new(seed);
    while places.len() < settings.n_components as usize {
        places.push((0..x.n_rows).map(|_| START * stream.normal()).collect());
    }
    Ok(places)
}

/// How alike each two rows are: shares of 1, the same both ways.
#[derive(Clone, Debug)]
pub struct Likeness {
    pairs: Pairs,
    n_rows: usize,
    n_neighbors: Option<usize>,
    /// Of all shares.
    sum: f64,
    /// Of each share times its logarithm.
    sum_of_logs: f64,
}

#[derive(Clone, Debug)]
enum Pairs {
    /// Row by row, each as wide as whole lanes; 0 for a row with itself and beyond the last.
    All(Vec<f64>),
    /// Row by row, as many as stand between one start and the next.
    Near { starts: Vec<usize>, others: Vec<u32>, shares: Vec<f64> },
}

impl Likeness {
    /// Looks at every pair of at least two rows.
    ///
    /// # Errors
    /// Distances beyond all numbers, or the user's cancellation.
    pub async fn of_pairs(rows: &Lanes, perplexity: f64, checkpoint: &mut impl Checkpoint) -> Result<Self, FitError> {
        let mut pace = Pace::new("Comparing rows", checkpoint);
        let n = rows.n_rows();
        let width = n.next_multiple_of(Lanes::WIDTH);
        let mut shares = vec![0.0; n * width];
        let mut sum = 0.0;
        for i in 0..n {
            let row = &mut shares[i * width..][..width];
            distances(rows, i, row)?;
            // The row itself goes out of the way, and back.
            row[n..].fill(0.0);
            row.swap(i, n - 1);
            spread(&mut row[..n - 1], perplexity);
            row[n - 1] = 0.0;
            row.swap(i, n - 1);
            sum += row.iter().sum::<f64>();
            pace.worked(n * (rows.n_columns() + 200), compared(i, n)).await?;
        }
        for i in 0..n {
            for j in 0..i {
                let share = ((shares[i * width + j] + shares[j * width + i]) / (2.0 * sum)).max(LEAST_SHARE);
                shares[i * width + j] = share;
                shares[j * width + i] = share;
            }
            pace.worked(4 * n, compared(n, n)).await?;
        }
        Self::new(Pairs::All(shares), n, None, &mut pace).await
    }

    /// Looks at the nearest rows of each of at least two, three times as many as the perplexity.
    ///
    /// # Errors
    /// Distances beyond all numbers, or the user's cancellation.
    pub async fn of_neighbors(
        rows: &Lanes,
        perplexity: f64,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<Self, FitError> {
        let n = rows.n_rows();
        let accelerator = checkpoint.accelerator();
        let screen = accelerator.as_ref().map(|_| Screen::new(rows));
        let mut comparison = match &screen {
            Some(screen) => Comparison::new(accelerator.as_ref(), screen, n).await,
            None => Comparison::none(),
        };
        let mut answer: Option<Vec<f32>> = None;
        let mut pace = Pace::new("Comparing rows", checkpoint);
        let k = (n - 1).min((3.0 * perplexity + 1.0) as usize);
        let mut to_all = vec![0.0; n.next_multiple_of(Lanes::WIDTH)];
        let (mut nearest, mut told) = (vec![0u32; n * k], vec![0.0; n * k]);
        let mut n_told = vec![0usize; n];
        let mut sum = 0.0;
        for i in 0..n {
            if i % N_COMPARED == 0
                && comparison.is_there()
                && let Some(screen) = &screen
            {
                pace.worked(STEP, compared(i, n)).await?;
                let some = (i..n.min(i + N_COMPARED)).flat_map(|row_idx| rows.row(row_idx)).collect::<Vec<f64>>();
                answer = comparison.least(&screen.placed(&some).0).await;
            }
            let mut work = n * (rows.n_columns() + 20);
            match (&answer, &screen) {
                (Some(answer), Some(screen)) => {
                    let least = &answer[i % N_COMPARED * rows.n_groups()..][..rows.n_groups()];
                    // The row itself is near, too.
                    let n_near = distances_where_near(rows, i, (screen, least), k + 1, &mut to_all);
                    work = 20 * n + n_near * rows.n_columns();
                }
                _ => distances(rows, i, &mut to_all)?,
            }
            to_all[i] = f64::INFINITY;
            let mut sorted = to_all[..n].to_vec();
            let (nearer, &mut farthest, _) = sorted.select_nth_unstable_by(k - 1, f64::total_cmp);
            // Of rows equally near the first.
            let mut n_equal = k - nearer.iter().filter(|square| **square < farthest).count();
            let shares = &mut told[i * k..][..k];
            let mut at = 0;
            for (other, &square) in to_all[..n].iter().enumerate() {
                if square < farthest || (square == farthest && n_equal > 0) {
                    n_equal -= usize::from(square == farthest);
                    nearest[i * k + at] = other as u32;
                    shares[at] = square;
                    n_told[other] += 1;
                    at += 1;
                }
            }
            spread(shares, perplexity);
            sum += shares.iter().sum::<f64>();
            pace.worked(work, compared(i, n)).await?;
        }
        // What others say of each row, in their order.
        let mut ends: Vec<usize> = Vec::with_capacity(n);
        let mut end = 0;
        for count in &n_told {
            ends.push(end);
            end += count;
        }
        let (mut tellers, mut said) = (vec![0u32; end], vec![0.0; end]);
        for i in 0..n {
            for at in i * k..(i + 1) * k {
                let end = &mut ends[nearest[at] as usize];
                (tellers[*end], said[*end]) = (i as u32, told[at]);
                *end += 1;
            }
            pace.worked(20 * k, compared(n, n)).await?;
        }
        // Both as one.
        let (mut starts, mut others, mut shares) =
            (vec![0], Vec::with_capacity(2 * n * k), Vec::with_capacity(2 * n * k));
        for i in 0..n {
            let (mut at, end) = (ends[i] - n_told[i], ends[i]);
            for own in i * k..=(i + 1) * k {
                // After the last of its own come all that are left.
                let other = if own < (i + 1) * k { nearest[own] } else { u32::MAX };
                while at < end && tellers[at] < other {
                    others.push(tellers[at]);
                    shares.push(said[at] / (2.0 * sum));
                    at += 1;
                }
                if other < u32::MAX {
                    let mut share = told[own];
                    if at < end && tellers[at] == other {
                        share += said[at];
                        at += 1;
                    }
                    others.push(other);
                    shares.push(share / (2.0 * sum));
                }
            }
            starts.push(others.len());
            pace.worked(40 * k, compared(n, n)).await?;
        }
        let likeness = Self::new(Pairs::Near { starts, others, shares }, n, Some(k), &mut pace).await?;
        comparison.tell(checkpoint);
        Ok(likeness)
    }

    async fn new<C: Checkpoint>(
        pairs: Pairs,
        n_rows: usize,
        n_neighbors: Option<usize>,
        pace: &mut Pace<'_, C>,
    ) -> Result<Self, FitError> {
        let mut likeness = Self { pairs, n_rows, n_neighbors, sum: 0.0, sum_of_logs: 0.0 };
        for i in 0..n_rows {
            let (mut sum, mut sum_of_logs) = (0.0, 0.0);
            likeness.each(i, |_, share| {
                sum += share;
                sum_of_logs += share * numeric::ln(share);
            });
            likeness.sum += sum;
            likeness.sum_of_logs += sum_of_logs;
            pace.worked(10 * n_rows, compared(1, 1)).await?;
        }
        Ok(likeness)
    }

    /// The rows that are like this one at all, and how much.
    pub fn each(&self, row_idx: usize, mut visit: impl FnMut(usize, f64)) {
        match &self.pairs {
            Pairs::All(shares) => {
                let width = self.n_rows.next_multiple_of(Lanes::WIDTH);
                let row = shares[row_idx * width..][..self.n_rows].iter().enumerate();
                row.filter(|(_, share)| **share > 0.0).for_each(|(other, share)| visit(other, *share));
            }
            Pairs::Near { starts, others, shares } => {
                let row = starts[row_idx]..starts[row_idx + 1];
                let pairs = others[row.clone()].iter().zip(&shares[row]);
                pairs.filter(|(_, share)| **share > 0.0).for_each(|(other, share)| visit(*other as usize, *share));
            }
        }
    }
}

/// How far the whole work is when so many rows have been compared.
fn compared(n_compared: usize, n: usize) -> f64 {
    0.1 + 0.1 * n_compared as f64 / n as f64
}

/// The squares of the distances of a row to all.
fn distances(rows: &Lanes, row_idx: usize, squares: &mut [f64]) -> Result<(), FitError> {
    let row = rows.row(row_idx);
    for (group_idx, squares) in squares.chunks_exact_mut(Lanes::WIDTH).enumerate() {
        squares.copy_from_slice(&rows.squared_distances(group_idx, &row));
    }
    if squares[..rows.n_rows()].iter().all(|square| square.is_finite()) { Ok(()) } else { Err(FitError::Overflow) }
}

/// The squares of the distances of a row to those among which its `k` nearest are, by what an accelerator told of each
/// group; of all others infinite. How many were looked at.
fn distances_where_near(
    rows: &Lanes,
    row_idx: usize,
    (screen, least): (&Screen, &[f32]),
    k: usize,
    squares: &mut [f64],
) -> usize {
    let row = rows.row(row_idx);
    let mut n_near = 0;
    for (group_idx, is_near) in screen.near(&row, least, k).into_iter().enumerate() {
        let squares = &mut squares[group_idx * Lanes::WIDTH..][..Lanes::WIDTH];
        match is_near {
            true => squares.copy_from_slice(&rows.squared_distances(group_idx, &row)),
            false => squares.fill(f64::INFINITY),
        }
        n_near += if is_near { Lanes::WIDTH } else { 0 };
    }
    n_near
}

/// Makes shares of squared distances, `p = exp(-beta d) / sum`, with the beta for which `exp(-sum p ln p)` is the
/// perplexity. Where so many rows are equally near that none is, these share alike.
fn spread(squares: &mut [f64], perplexity: f64) {
    /// After as many halvings no number is left.
    const MAX_STEPS: usize = 1_000;
    let wanted = numeric::ln(perplexity);
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut beta, mut low, mut high) = (1.0f64, 0.0, f64::INFINITY);
    let mut sum = 0.0;
    for _ in 0..MAX_STEPS {
        let mut sum_of_squares = 0.0;
        sum = 0.0;
        for square in squares.iter() {
            let share = numeric::exp((least - square) * beta);
            sum += share;
            sum_of_squares += share * (square - least);
        }
        let excess = numeric::ln(sum) + beta * (sum_of_squares / sum) - wanted;
        // A larger beta takes from rows that are farther away; if they have nothing, there is nothing to take.
        if excess.abs() <= TOLERANCE || (excess > 0.0 && sum_of_squares == 0.0) {
            break;
        }
        if excess > 0.0 {
            low = beta;
            beta = if high == f64::INFINITY { beta * 2.0 } else { f64::midpoint(beta, high) };
        } else {
            high = beta;
            beta = f64::midpoint(beta, low);
        }
    }
    squares.iter_mut().for_each(|square| *square = numeric::exp((least - *square) * beta) / sum);
}

/// Places on their way, in three dimensions; in the plane the third is 0.
#[derive(Clone, Debug)]
pub struct Descent {
    likeness: Likeness,
    /// As long as whole lanes.
    places: Vec<Vec<f64>>,
    slopes: Vec<Vec<f64>>,
    moves: Vec<Vec<f64>>,
    gains: Vec<Vec<f64>>,
}

/// What a row feels of others.
#[derive(Clone, Copy, Debug, Default)]
struct Felt {
    /// Σ q, where `q = 1 / (1 + d)`, without the row itself.
    nearness: f64,
    /// Σ p q Δ.
    pull: [f64; 3],
    /// Σ q² Δ.
    push: [f64; 3],
}

impl Descent {
    /// Rows that lie there at first, one column of places for each component.
    pub fn new(likeness: Likeness, mut places: Vec<Vec<f64>>) -> Self {
        let n = likeness.n_rows.next_multiple_of(Lanes::WIDTH);
        places.resize(3, vec![0.0; likeness.n_rows]);
        places.iter_mut().for_each(|places| places.resize(n, NOWHERE));
        let zeros = || vec![vec![0.0; likeness.n_rows]; 3];
        let gains = vec![vec![1.0; likeness.n_rows]; 3];
        Self { places, slopes: zeros(), moves: zeros(), gains, likeness }
    }

    /// Of each component the slope of the divergence at each row, as last computed.
    pub fn slopes(&self) -> &[Vec<f64>] {
        &self.slopes
    }

    /// Goes downhill; the number of steps, and the divergence in the end.
    async fn run(
        &mut self,
        settings: &TsneSettings,
        learning_rate: f64,
        checkpoint: &mut impl Checkpoint,
    ) -> Result<(u32, f64), Stopped> {
        let mut pace = Pace::new("Moving rows", checkpoint);
        let mut n_steps = 0;
        let (mut exaggeration, mut momentum, mut last) = (settings.exaggeration, 0.5, N_EXAGGERATED);
        let mut next = Some((1.0, 0.8, settings.max_iterations));
        let (mut best, mut is_over) = ((f64::INFINITY, n_steps), false);
        loop {
            if (is_over || n_steps == last)
                && let Some(plain) = next.take()
            {
                (exaggeration, momentum, last) = plain;
                (best, is_over) = ((f64::INFINITY, n_steps), false);
                self.rest();
            }
            let is_done = next.is_none() && (is_over || n_steps == last);
            let fraction = 0.2 + 0.8 * f64::from(n_steps) / f64::from(settings.max_iterations);
            let nearness = self.feel(exaggeration, fraction, &mut pace).await?;
            let is_checked = is_done || (n_steps + 1) % N_UNCHECKED == 0;
            let divergence = match is_checked {
                true => self.divergence(exaggeration, nearness, fraction, &mut pace).await?,
                false => 0.0,
            };
            if is_done {
                return Ok((n_steps, divergence));
            }
            let slope = self.step(momentum, learning_rate);
            n_steps += 1;
            if is_checked {
                if divergence < best.0 {
                    best = (divergence, n_steps);
                }
                is_over = n_steps - best.1 > PATIENCE || slope <= LEAST_SLOPE;
            }
        }
    }

    /// Computes the slopes where rows lie; the divergence there, likeness counting so many times.
    ///
    /// # Errors
    /// The user's cancellation.
    pub async fn slope(&mut self, exaggeration: f64, checkpoint: &mut impl Checkpoint) -> Result<f64, Stopped> {
        let mut pace = Pace::new("Moving rows", checkpoint);
        let nearness = self.feel(exaggeration, 1.0, &mut pace).await?;
        self.divergence(exaggeration, nearness, 1.0, &mut pace).await
    }

    /// Forgets all movement.
    pub fn rest(&mut self) {
        self.moves.iter_mut().for_each(|moves| moves.fill(0.0));
        self.gains.iter_mut().for_each(|gains| gains.fill(1.0));
    }

    /// Computes the slopes, `4 Σ (p - q / Σ q) q Δ`; Σ q over all pairs.
    async fn feel<C: Checkpoint>(
        &mut self,
        exaggeration: f64,
        fraction: f64,
        pace: &mut Pace<'_, C>,
    ) -> Result<f64, Stopped> {
        let n = self.likeness.n_rows;
        let tree = self.likeness.n_neighbors.map(|_| Tree::new(&self.places, n));
        let mut pushes = vec![[0.0; 3]; n];
        let mut nearness = 0.0;
        for (i, kept) in pushes.iter_mut().enumerate() {
            let at = self.place(i);
            // A row does not feel itself.
            self.places[0][i] = NOWHERE;
            let felt = match (&self.likeness.pairs, &tree) {
                (Pairs::All(shares), _) => self.all(&shares[i * self.places[0].len()..], at),
                (Pairs::Near { starts, others, shares }, Some(tree)) => {
                    let row = starts[i]..starts[i + 1];
                    let pull = self.pull(&others[row.clone()], &shares[row], at);
                    let (nearness, push) = tree.push(at, tree::ANGLE);
                    Felt { nearness, pull, push }
                }
                (Pairs::Near { .. }, None) => Felt::default(),
            };
            self.places[0][i] = at[0];
            nearness += felt.nearness;
            *kept = felt.push;
            self.slopes.iter_mut().zip(felt.pull).for_each(|(slopes, pull)| slopes[i] = pull);
            let work = if tree.is_some() { 4_000 } else { 3 * n };
            pace.worked(work, fraction).await?;
        }
        // Rows that are all far apart must not divide by nothing.
        let nearness = nearness.max(f64::EPSILON);
        for (component, slopes) in self.slopes.iter_mut().enumerate() {
            for (slope, push) in slopes.iter_mut().zip(&pushes) {
                *slope = 4.0 * (exaggeration * *slope - push[component] / nearness);
            }
        }
        Ok(nearness)
    }

    fn place(&self, row_idx: usize) -> [f64; 3] {
        [self.places[0][row_idx], self.places[1][row_idx], self.places[2][row_idx]]
    }

    fn all(&self, shares: &[f64], at: [f64; 3]) -> Felt {
        /// Pairs that are looked at together.
        const LANES: usize = 4;
        let [xs, ys, zs] = [0, 1, 2].map(|component| self.places[component].chunks_exact(LANES));
        let mut sums = [[0.0; LANES]; 7];
        for (((shares, xs), ys), zs) in shares.chunks_exact(LANES).zip(xs).zip(ys).zip(zs) {
            for lane in 0..LANES {
                let (x, y, z) = (at[0] - xs[lane], at[1] - ys[lane], at[2] - zs[lane]);
                let near = 1.0 / (1.0 + (x * x + y * y + z * z));
                let (pull, push) = (shares[lane] * near, near * near);
                sums[0][lane] += near;
                sums[1][lane] += pull * x;
                sums[2][lane] += pull * y;
                sums[3][lane] += pull * z;
                sums[4][lane] += push * x;
                sums[5][lane] += push * y;
                sums[6][lane] += push * z;
            }
        }
        let [nearness, pull @ .., push_x, push_y, push_z] = sums.map(|lanes| lanes.iter().sum::<f64>());
        Felt { nearness, pull, push: [push_x, push_y, push_z] }
    }

    fn pull(&self, others: &[u32], shares: &[f64], at: [f64; 3]) -> [f64; 3] {
        let [xs, ys, zs] = [0, 1, 2].map(|component| self.places[component].as_slice());
        let mut sums = [0.0; 3];
        for (&other, share) in others.iter().zip(shares) {
            let other = other as usize;
            let apart = [at[0] - xs[other], at[1] - ys[other], at[2] - zs[other]];
            let pull = share / (1.0 + (apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2]));
            (0..3).for_each(|component| sums[component] += pull * apart[component]);
        }
        sums
    }

    /// `Σ p ln (p / q)`, from the sum of all nearness.
    async fn divergence<C: Checkpoint>(
        &self,
        exaggeration: f64,
        nearness: f64,
        fraction: f64,
        pace: &mut Pace<'_, C>,
    ) -> Result<f64, Stopped> {
        let Likeness { n_rows, sum, sum_of_logs, .. } = self.likeness;
        let mut far = 0.0;
        for i in 0..n_rows {
            let at = self.place(i);
            let mut sum = 0.0;
            self.likeness.each(i, |j, share| {
                // Every pair is met twice.
                if j < i {
                    let other = self.place(j);
                    let apart = [at[0] - other[0], at[1] - other[1], at[2] - other[2]];
                    let square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
                    sum += share * numeric::ln(1.0 + square);
                }
            });
            far += 2.0 * sum;
            pace.worked(8 * i, fraction).await?;
        }
        let logs = numeric::ln(exaggeration) + numeric::ln(nearness);
        Ok(exaggeration * (sum_of_logs + far + logs * sum))
    }

    /// One step downhill along the slopes as last computed; how steep it was, gains counted in. Where a component goes on
    /// as before its steps grow, where it turns they shrink (Jacobs, 1988).
    pub fn step(&mut self, momentum: f64, learning_rate: f64) -> f64 {
        let mut square = 0.0;
        for (((places, slopes), moves), gains) in
            self.places.iter_mut().zip(&self.slopes).zip(&mut self.moves).zip(&mut self.gains)
        {
            for (((place, slope), last), gain) in places.iter_mut().zip(slopes).zip(moves).zip(gains) {
                let goes_on = *last * slope < 0.0;
                *gain = if goes_on { *gain + 0.2 } else { *gain * 0.8 }.max(0.01);
                let slope = slope * *gain;
                square += slope * slope;
                *last = momentum * *last - learning_rate * slope;
                *place += *last;
            }
        }
        numeric::sqrt(square)
    }
}

#[cfg(test)]
mod tests;

//! A penalty on absolute values, which has no slope at 0.
//!
//! Up to some hundreds of parameters each step minimises Newton's parabola and the penalty together, coordinate by
//! coordinate (Friedman, Hastie and Tibshirani, Regularization paths for generalized linear models via coordinate
//! descent, 2010). Beyond, OWL-QN (Andrew and Gao, Scalable training of L1-regularized log-linear models, 2007):
//! L-BFGS that stays within the orthant in which the loss falls, where the penalty does have a slope.

use super::{LogisticSettings, MAX_HESSIAN, Point, Problem};
use crate::curvature::Curvature;
use crate::dense::{Cholesky, add_scaled, dot};
use crate::{Checkpoint, FitError};

/// Steps of L-BFGS that count as one of Newton's, which costs at least as much.
const STEPS: u32 = 100;

/// Sweeps over the coordinates of one step at most.
const SWEEPS: usize = 1_000;
/// Now and then a step is tried with which sweeps need not creep.
const SWEEPS_TO_A_LEAP: usize = 10;
/// L-BFGS ends after so many steps that take nothing away.
const IDLE_STEPS: u32 = 10;

/// Parameters, steps, and whether the tolerance was reached.
pub(super) async fn minimise(
    problem: &Problem<'_>,
    settings: &LogisticSettings,
    checkpoint: &mut impl Checkpoint,
) -> Result<(Vec<f64>, u32, bool), FitError> {
    let limits = problem.absolute_penalties(settings.l1_weight);
    if problem.n_parameters() <= MAX_HESSIAN {
        by_coordinates(problem, settings, &limits, checkpoint).await
    } else {
        within_orthants(problem, settings, &limits, checkpoint).await
    }
}

/// Loss and penalties.
fn value(point: &Point, limits: &[f64]) -> f64 {
    point.loss + penalty(&point.parameters, limits)
}

fn penalty(parameters: &[f64], limits: &[f64]) -> f64 {
    parameters.iter().zip(limits).map(|(w, limit)| limit * w.abs()).sum()
}

/// Newton's method, each step with the penalty as it is.
async fn by_coordinates(
    problem: &Problem<'_>,
    settings: &LogisticSettings,
    limits: &[f64],
    checkpoint: &mut impl Checkpoint,
) -> Result<(Vec<f64>, u32, bool), FitError> {
    let mut point = problem.at(vec![0.0; problem.n_parameters()]);
    let mut within_tolerance = false;
    for iteration in 0..settings.max_iterations {
        let steepest = slopes(&point, limits).iter().fold(0.0f64, |steepest, slope| steepest.max(slope.abs()));
        if !(point.loss.is_finite() && steepest.is_finite()) {
            return Err(FitError::Overflow);
        }
        if steepest == 0.0 || within_tolerance {
            return Ok((point.parameters, iteration, true));
        }
        within_tolerance = steepest <= settings.tolerance * problem.total_weight;
        let fraction = f64::from(iteration) / f64::from(settings.max_iterations);
        checkpoint.checkpoint(fraction, &format!("Step {}", iteration + 1)).await?;
        let target = lowest(problem, &point, limits, fraction, checkpoint).await?;
        let direction: Vec<f64> = target.iter().zip(&point.parameters).map(|(new, old)| new - old).collect();
        let fall = dot(&direction, &point.gradient) + penalty(&target, limits) - penalty(&point.parameters, limits);
        if fall.is_nan() || fall >= 0.0 {
            return Ok((point.parameters, iteration, within_tolerance));
        }
        let before = value(&point, limits);
        let mut length = 1.0;
        let next = loop {
            // The whole step as it was found, so that what became 0 is 0.
            let mut parameters = if length == 1.0 { target.clone() } else { point.parameters.clone() };
            if length < 1.0 {
                add_scaled(&mut parameters, length, &direction);
            }
            let next = problem.at(parameters);
            // Near the minimum the loss no longer tells apart what the slopes still do.
            if value(&next, limits) <= before + 1e-4 * length * fall + 1e-13 * before.abs() {
                break Some(next);
            }
            length *= 0.5;
            if length < 1e-10 {
                break None;
            }
            checkpoint.checkpoint(fraction, &format!("Step {}", iteration + 1)).await?;
        };
        let Some(next) = next else { return Ok((point.parameters, iteration, within_tolerance)) };
        point = next;
    }
    Ok((point.parameters, settings.max_iterations, within_tolerance))
}

/// Where Newton's parabola and the penalty are lowest together.
async fn lowest(
    problem: &Problem<'_>,
    point: &Point,
    limits: &[f64],
    fraction: f64,
    checkpoint: &mut impl Checkpoint,
) -> Result<Vec<f64>, FitError> {
    let size = problem.n_parameters();
    let hessian = problem.hessian(point, checkpoint).await?;
    let largest = (0..size).fold(f64::MIN_POSITIVE, |largest, i| largest.max(hessian[i * (size + 1)]));
    // As for Newton: softmax's constant and repeated columns leave the Hessian singular.
    let ridge = 1e-12 * largest;
    let enough = 1e-10 * numeric::sqrt(problem.total_weight);
    let mut target = point.parameters.clone();
    // The slope of the parabola at the target.
    let mut slopes = point.gradient.clone();
    for sweep in 1..=SWEEPS {
        let mut moved = 0.0f64;
        for j in 0..size {
            let curvature = hessian[j * (size + 1)] + ridge;
            let free = target[j] - slopes[j] / curvature;
            let new = free.signum() * (free.abs() - limits[j] / curvature).max(0.0);
            let step = new - target[j];
            if step != 0.0 {
                target[j] = new;
                add_scaled(&mut slopes, step, &hessian[j * size..(j + 1) * size]);
                slopes[j] += step * ridge;
                moved = moved.max(step.abs() * numeric::sqrt(curvature));
            }
        }
        if moved <= enough {
            break;
        }
        if sweep % SWEEPS_TO_A_LEAP == 0 {
            leap(&hessian, ridge, limits, &mut target, &mut slopes, checkpoint).await?;
        }
        checkpoint.checkpoint(fraction, "Fitting").await?;
    }
    Ok(target)
}

/// While signs stay, the lowest place is that of a parabola: goes there, unless a sign changes on the way. Sweeps alone
/// creep where softmax or columns that say the same leave the parabola nearly flat.
async fn leap(
    hessian: &[f64],
    ridge: f64,
    limits: &[f64],
    target: &mut [f64],
    slopes: &mut [f64],
    checkpoint: &mut impl Checkpoint,
) -> Result<(), FitError> {
    let size = target.len();
    let free: Vec<usize> = (0..size).filter(|&j| limits[j] == 0.0 || target[j] != 0.0).collect();
    let mut among: Vec<f64> = Vec::with_capacity(free.len() * free.len());
    for &i in &free {
        among.extend(free.iter().map(|&j| hessian[i * size + j] + if i == j { ridge } else { 0.0 }));
    }
    let Some(factor) = Cholesky::new(among, free.len(), 0.1 * ridge, checkpoint).await? else { return Ok(()) };
    let mut steps: Vec<f64> = free.iter().map(|&j| -(slopes[j] + limits[j] * target[j].signum())).collect();
    factor.solve(&mut steps);
    let stays = |(&j, step): (&usize, &f64)| limits[j] == 0.0 || (target[j] + step) * target[j] > 0.0;
    if free.iter().zip(&steps).all(stays) && steps.iter().all(|step| step.is_finite()) {
        for (&j, &step) in free.iter().zip(&steps) {
            target[j] += step;
            add_scaled(slopes, step, &hessian[j * size..(j + 1) * size]);
            slopes[j] += step * ridge;
        }
    }
    Ok(())
}

/// L-BFGS; its steps are counted as Newton's are.
async fn within_orthants(
    problem: &Problem<'_>,
    settings: &LogisticSettings,
    limits: &[f64],
    checkpoint: &mut impl Checkpoint,
) -> Result<(Vec<f64>, u32, bool), FitError> {
    let mut point = problem.at(vec![0.0; problem.n_parameters()]);
    let mut past = Curvature::new(settings.memory_size as usize);
    let mut n_idle = 0;
    let n_steps = u64::from(settings.max_iterations) * u64::from(STEPS);
    for step_idx in 0..n_steps {
        let n_iterations = (step_idx / u64::from(STEPS)) as u32 + 1;
        let slopes = slopes(&point, limits);
        let steepest = slopes.iter().fold(0.0f64, |steepest, slope| steepest.max(slope.abs()));
        if !(point.loss.is_finite() && steepest.is_finite()) {
            return Err(FitError::Overflow);
        }
        if steepest <= settings.tolerance * problem.total_weight {
            return Ok((point.parameters, n_iterations, true));
        }
        checkpoint.checkpoint(step_idx as f64 / n_steps as f64, &format!("Step {}", step_idx + 1)).await?;
        let mut direction = past.direction(&slopes);
        // Where the curvature turns a parameter uphill it rests.
        for ((d, slope), limit) in direction.iter_mut().zip(&slopes).zip(limits) {
            if *limit > 0.0 && *d * slope >= 0.0 {
                *d = 0.0;
            }
        }
        let descent = dot(&direction, &slopes);
        if descent.is_nan() || descent >= 0.0 {
            past.clear();
            direction = slopes.iter().map(|slope| -slope).collect();
        }
        let orthant: Vec<f64> =
            point.parameters.iter().zip(&slopes).map(|(w, slope)| if *w == 0.0 { -slope } else { *w }).collect();
        let mut length = if past.is_empty() { 1.0 / numeric::sqrt(dot(&slopes, &slopes)) } else { 1.0 };
        let before = value(&point, limits);
        let next = loop {
            let mut parameters = point.parameters.clone();
            add_scaled(&mut parameters, length, &direction);
            for ((w, sign), limit) in parameters.iter_mut().zip(&orthant).zip(limits) {
                if *limit > 0.0 && *w * sign < 0.0 {
                    *w = 0.0;
                }
            }
            let fall: f64 = parameters
                .iter()
                .zip(&point.parameters)
                .zip(&slopes)
                .map(|((new, old), slope)| (new - old) * slope)
                .sum();
            let next = problem.at(parameters);
            // Near the minimum the loss no longer tells apart what the slopes still do.
            if value(&next, limits) <= before + 1e-4 * fall + 1e-13 * before.abs() {
                break Some(next);
            }
            length *= 0.5;
            if length < 1e-20 {
                break None;
            }
            checkpoint.checkpoint(step_idx as f64 / n_steps as f64, &format!("Step {}", step_idx + 1)).await?;
        };
        let Some(next) = next else {
            if past.is_empty() {
                return Ok((point.parameters, n_iterations, false));
            }
            // What is remembered may lead astray; the slopes alone do not.
            past.clear();
            continue;
        };
        let difference = |new: &[f64], old: &[f64]| new.iter().zip(old).map(|(new, old)| new - old).collect::<Vec<_>>();
        n_idle = if value(&next, limits) < before { 0 } else { n_idle + 1 };
        if n_idle == IDLE_STEPS {
            return Ok((point.parameters, n_iterations, false));
        }
        past.learn(difference(&next.parameters, &point.parameters), difference(&next.gradient, &point.gradient));
        point = next;
    }
    Ok((point.parameters, settings.max_iterations, false))
}

/// The slope of loss and penalty in the direction in which they fall; 0 where neither does.
fn slopes(point: &Point, limits: &[f64]) -> Vec<f64> {
    let parts = point.parameters.iter().zip(&point.gradient).zip(limits);
    parts
        .map(|((&w, &slope), &limit)| {
            if w > 0.0 || (w == 0.0 && slope + limit < 0.0) {
                slope + limit
            } else if w < 0.0 || (w == 0.0 && slope - limit > 0.0) {
                slope - limit
            } else {
                0.0
            }
        })
        .collect()
}

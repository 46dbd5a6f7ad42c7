//! Layered layout from top to bottom: ranks, few crossings, short edges.

use pipeline::Point;
use schema::ordered::sort_by;

use crate::geometry::CARD_WIDTH;

/// Between cards of one layer, and between layers.
const GAP_X: f64 = 40.0;
const GAP_Y: f64 = 56.0;
/// Room that a long edge takes where it passes a layer.
const LANE: f64 = 24.0;
const N_SWEEPS: usize = 8;

/// An edge to be drawn short.
#[derive(Clone, Copy, Debug)]
pub struct LayoutEdge {
    /// Position of the giving card.
    pub from: usize,
    /// Position of the taking card.
    pub to: usize,
    /// How far from the giving card's left edge it begins.
    pub from_offset: f64,
    /// How far from the taking card's left edge it ends.
    pub to_offset: f64,
}

/// Places for cards of these heights: what gives above what takes, parts that hang together side by side.
/// Edges that would close a cycle are ignored. The same input gives the same places.
pub fn layered(heights: &[f64], edges: &[LayoutEdge]) -> Vec<Point> {
    let n = heights.len();
    let edges: Vec<_> =
        edges.iter().copied().filter(|edge| edge.from < n && edge.to < n && edge.from != edge.to).collect();
    let mut places = vec![Point::default(); n];
    let mut left = 0.0;
    for part in parts(n, &edges) {
        let width = lay_part(&part, heights, &edges, left, &mut places);
        left += width + 2.0 * GAP_X;
    }
    places
}

/// Groups of nodes that hang together, each and all in order of their first node.
fn parts(n: usize, edges: &[LayoutEdge]) -> Vec<Vec<usize>> {
    let mut next_to = vec![Vec::new(); n];
    for edge in edges {
        next_to[edge.from].push(edge.to);
        next_to[edge.to].push(edge.from);
    }
    let mut seen = vec![false; n];
    let mut parts = Vec::new();
    for first in 0..n {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        let mut part = vec![first];
        let mut done = 0;
        while done < part.len() {
            for &next in &next_to[part[done]] {
                if !std::mem::replace(&mut seen[next], true) {
                    part.push(next);
                }
            }
            done += 1;
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts
}

/// A place within a layer: a card, or a lane that a long edge passes through.
struct Slot {
    layer: usize,
    width: f64,
    height: f64,
    /// Slots one layer up and how far from this slot's, and from their, left edges the edge sits.
    up: Vec<(usize, f64, f64)>,
    /// The same one layer down.
    down: Vec<(usize, f64, f64)>,
    x: f64,
}

/// Lays one part out from `left` on and gives its width.
fn lay_part(part: &[usize], heights: &[f64], edges: &[LayoutEdge], left: f64, places: &mut [Point]) -> f64 {
    let slot_of = |node: usize| part.binary_search(&node).ok();
    let own: Vec<LayoutEdge> = edges
        .iter()
        .filter_map(|edge| Some(LayoutEdge { from: slot_of(edge.from)?, to: slot_of(edge.to)?, ..*edge }))
        .collect();
    let (ranks, own) = ranked(part.len(), own);
    let mut slots: Vec<Slot> = part
        .iter()
        .zip(&ranks)
        .map(|(&node, &layer)| Slot {
            layer,
            width: CARD_WIDTH,
            height: heights[node],
            up: Vec::new(),
            down: Vec::new(),
            x: 0.0,
        })
        .collect();
    for edge in &own {
        let mut upper = (edge.from, edge.from_offset);
        for layer in ranks[edge.from] + 1..=ranks[edge.to] {
            let lower = if layer == ranks[edge.to] {
                (edge.to, edge.to_offset)
            } else {
                slots.push(Slot { layer, width: LANE, height: 0.0, up: Vec::new(), down: Vec::new(), x: 0.0 });
                (slots.len() - 1, LANE / 2.0)
            };
            slots[upper.0].down.push((lower.0, upper.1, lower.1));
            slots[lower.0].up.push((upper.0, lower.1, upper.1));
            upper = lower;
        }
    }
    let n_layers = ranks.iter().max().map_or(0, |last| last + 1);
    let mut layers = vec![Vec::new(); n_layers];
    for (slot_idx, slot) in slots.iter().enumerate() {
        layers[slot.layer].push(slot_idx);
    }
    order(&mut layers, &slots);
    set_x(&layers, &mut slots);

    let least = slots.iter().map(|slot| slot.x).fold(f64::INFINITY, f64::min);
    let most = slots.iter().map(|slot| slot.x + slot.width).fold(f64::NEG_INFINITY, f64::max);
    let mut y = 0.0;
    for layer in &layers {
        for &slot_idx in layer {
            if let Some(&node) = part.get(slot_idx) {
                places[node] = Point { x: slots[slot_idx].x - least + left, y };
            }
        }
        y += layer.iter().map(|&slot_idx| slots[slot_idx].height).fold(0.0, f64::max) + GAP_Y;
    }
    most - least
}

/// A layer for every node: as high as what feeds it allows, then as low as what it feeds allows where that makes
/// edges shorter. Gives back the edges without those that close a cycle.
fn ranked(n: usize, edges: Vec<LayoutEdge>) -> (Vec<usize>, Vec<LayoutEdge>) {
    let mut n_open = vec![0_usize; n];
    let mut down = vec![Vec::new(); n];
    for edge in &edges {
        n_open[edge.to] += 1;
        down[edge.from].push(edge.to);
    }
    let mut ready: Vec<usize> = (0..n).filter(|&node| n_open[node] == 0).collect();
    let mut ranks = vec![0_usize; n];
    let mut done = 0;
    while done < ready.len() {
        let node = ready[done];
        done += 1;
        for &next in &down[node] {
            ranks[next] = ranks[next].max(ranks[node] + 1);
            n_open[next] -= 1;
            if n_open[next] == 0 {
                ready.push(next);
            }
        }
    }
    let mut is_ordered = vec![false; n];
    for &node in &ready {
        is_ordered[node] = true;
    }
    let kept: Vec<_> = edges.into_iter().filter(|edge| is_ordered[edge.from] && is_ordered[edge.to]).collect();
    let mut n_up = vec![0_usize; n];
    let mut down = vec![Vec::new(); n];
    for edge in &kept {
        n_up[edge.to] += 1;
        down[edge.from].push(edge.to);
    }
    for &node in ready.iter().rev() {
        if let Some(lowest) = down[node].iter().map(|&next| ranks[next]).min()
            && down[node].len() > n_up[node]
            && lowest > ranks[node] + 1
        {
            ranks[node] = lowest - 1;
        }
    }
    // Layers left empty by that are closed.
    let mut used: Vec<_> = ranks.clone();
    used.sort_unstable();
    used.dedup();
    for rank in &mut ranks {
        *rank = used.binary_search(rank).unwrap_or(0);
    }
    (ranks, kept)
}

/// Sorts every layer by the middle of its neighbours, down and up in turn, and keeps the order with the fewest crossings.
fn order(layers: &mut [Vec<usize>], slots: &[Slot]) {
    let mut place = vec![0_usize; slots.len()];
    let number = |layers: &[Vec<usize>], place: &mut Vec<usize>| {
        for layer in layers {
            for (place_idx, &slot_idx) in layer.iter().enumerate() {
                place[slot_idx] = place_idx;
            }
        }
    };
    number(layers, &mut place);
    let mut best = (n_crossings(layers, slots, &place), layers.to_vec());
    for sweep in 0..N_SWEEPS {
        if best.0 == 0 {
            break;
        }
        let downwards = sweep % 2 == 0;
        let turns: Vec<usize> =
            if downwards { (1..layers.len()).collect() } else { (0..layers.len().saturating_sub(1)).rev().collect() };
        for layer_idx in turns {
            let mut keyed: Vec<(f64, usize, usize)> = layers[layer_idx]
                .iter()
                .map(|&slot_idx| {
                    let slot = &slots[slot_idx];
                    let next = if downwards { &slot.up } else { &slot.down };
                    let mut at: Vec<f64> =
                        next.iter().map(|(other, _, offset)| place[*other] as f64 + offset / 1_000.0).collect();
                    sort_by(&mut at, f64::total_cmp);
                    let middle = match at.len() {
                        0 => place[slot_idx] as f64,
                        n if n % 2 == 1 => at[n / 2],
                        n => (at[n / 2 - 1] + at[n / 2]) / 2.0,
                    };
                    (middle, place[slot_idx], slot_idx)
                })
                .collect();
            sort_by(&mut keyed, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            layers[layer_idx] = keyed.into_iter().map(|(_, _, slot_idx)| slot_idx).collect();
            for (place_idx, &slot_idx) in layers[layer_idx].iter().enumerate() {
                place[slot_idx] = place_idx;
            }
        }
        let n = n_crossings(layers, slots, &place);
        if n < best.0 {
            best = (n, layers.to_vec());
        }
    }
    layers.clone_from_slice(&best.1);
}

/// How many pairs of edges cross, counted with a Fenwick tree per pair of layers.
fn n_crossings(layers: &[Vec<usize>], slots: &[Slot], place: &[usize]) -> u64 {
    let mut total = 0;
    for (layer_idx, layer) in layers.iter().enumerate() {
        let n_below = layers.get(layer_idx + 1).map_or(0, Vec::len);
        let mut ends: Vec<(usize, u64, usize, u64)> = Vec::new();
        for &slot_idx in layer {
            for (other, own_offset, offset) in &slots[slot_idx].down {
                ends.push((place[slot_idx], *own_offset as u64, place[*other], *offset as u64));
            }
        }
        ends.sort_unstable();
        let mut counts = vec![0_u64; n_below + 1];
        for (seen, (_, _, lower, _)) in ends.iter().enumerate() {
            let mut up_to = 0;
            let mut at = lower + 1;
            while at > 0 {
                up_to += counts[at];
                at &= at - 1;
            }
            total += seen as u64 - up_to;
            let mut at = lower + 1;
            while at <= n_below {
                counts[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    total
}

/// Puts slots beside each other, then pulls each layer toward its neighbours, keeping order and distance.
fn set_x(layers: &[Vec<usize>], slots: &mut [Slot]) {
    for layer in layers {
        let mut x = 0.0;
        for &slot_idx in layer {
            slots[slot_idx].x = x;
            x += slots[slot_idx].width + GAP_X;
        }
    }
    for sweep in 0..2 * N_SWEEPS {
        let downwards = sweep % 2 == 0;
        let turns: Vec<usize> = if downwards { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for layer_idx in turns {
            let layer = &layers[layer_idx];
            let wanted: Vec<f64> = layer
                .iter()
                .map(|&slot_idx| {
                    let slot = &slots[slot_idx];
                    let next: Vec<_> = match (downwards, slot.up.is_empty(), slot.down.is_empty()) {
                        (true, false, _) => slot.up.iter().collect(),
                        (false, _, false) => slot.down.iter().collect(),
                        _ => slot.up.iter().chain(&slot.down).collect(),
                    };
                    if next.is_empty() {
                        return slot.x;
                    }
                    let pull: f64 = next.iter().map(|(other, own, offset)| slots[*other].x + offset - own).sum();
                    pull / next.len() as f64
                })
                .collect();
            for (&slot_idx, x) in layer.iter().zip(spread(layer, slots, &wanted)) {
                slots[slot_idx].x = x;
            }
        }
    }
}

/// The places nearest to the wanted ones (least squares) that keep order and distance: pool adjacent violators
/// over the places less the room of all that comes before.
fn spread(layer: &[usize], slots: &[Slot], wanted: &[f64]) -> Vec<f64> {
    let mut room = Vec::with_capacity(layer.len());
    let mut before = 0.0;
    for &slot_idx in layer {
        room.push(before);
        before += slots[slot_idx].width + GAP_X;
    }
    // Blocks of (sum, count) with rising means.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (x, before) in wanted.iter().zip(&room) {
        let mut block = (x - before, 1);
        while let Some(&(sum, n)) = blocks.last()
            && sum / n as f64 >= block.0 / block.1 as f64
        {
            blocks.pop();
            block = (block.0 + sum, block.1 + n);
        }
        blocks.push(block);
    }
    let means = blocks.into_iter().flat_map(|(sum, n)| std::iter::repeat_n(sum / n as f64, n));
    means.zip(room).map(|(mean, before)| mean + before).collect()
}

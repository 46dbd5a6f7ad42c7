// Steps of a network by back-propagation. Everything lies in fours of numbers; rows of layers are filled up with zeros to
// whole blocks, so that no sum asks for an edge. A lane sums a block of BLOCK rows and BLOCK columns in registers.
//
// Rows between stages are images, of one pixel beside dense layers: pixel by pixel, each filled up with zeros to whole fours.
// `stages.wgsl` has what convolutions, pooling and norms are computed by.
//
// What follows a dollar sign is written by `source.rs`, once for each row and column of a block.

struct Layer {
    // With pixels as they are filled up.
    n_inputs: u32,
    // Of each pixel, where there are more.
    n_outputs: u32,
    // Fours of a filled row, and of a filled row of weights.
    inputs_across: u32,
    outputs_across: u32,
    // Where things start, in fours: what goes in and what comes out, and the slopes of the loss along both, in `work`.
    inputs: u32,
    outputs: u32,
    input_errors: u32,
    output_errors: u32,
    // In `state`.
    weights: u32,
    biases: u32,
    // Blocks of weights that `descend` moves.
    n_blocks: u32,
    // 1: its sums are normalised.
    is_normal: u32,
}

// What else there is of a stage.
struct Image {
    // Pixels of a row of what goes in, and in all; fours of each, and its numbers.
    in_width: u32,
    in_places: u32,
    in_pixel: u32,
    in_channels: u32,
    // The same of what comes out, and fours of a filled row.
    out_width: u32,
    out_places: u32,
    out_pixel: u32,
    out_across: u32,
    // Pixels along a side of a square.
    size: u32,
    // Layers with weights before this stage.
    n_before: u32,
    // 1: what goes in was bent right before.
    is_bent_below: u32,
    // Where sums start that are normalised, in `work`.
    normals: u32,
    // In `state`: what they are multiplied by; and means, variances, and inverted deviations of the batch.
    factors: u32,
    running: u32,
    // Parts, at most, in which slopes along weights are summed unless they were too long.
    n_parts: u32,
    unused: u32,
}

struct Plan {
    n_layers: u32,
    // 0: relu, 1: the hyperbolic tangent, 2: logistic.
    activation: u32,
    // 0: half the squared error, 1: cross-entropy of softmax.
    loss: u32,
    // 0: SGD with Nesterov's momentum, 1: Adam.
    optimizer: u32,
    // Weights and biases, in fours; what the optimizer remembers follows in `state`.
    n_state: u32,
    // Fours of a row in `rows`, the last of which has target and weight.
    row_across: u32,
    // Where losses start in `work`.
    losses: u32,
    infinity: f32,
    l2_weight: f32,
    momentum: f32,
    // Share of Adam's means of slopes and squares that stays, and what keeps it from dividing by 0.
    means: f32,
    squares: f32,
    least: f32,
    // What columns are as an image: pixels of a row, numbers of each; and along a side of the squares that are laid out.
    source_width: u32,
    source_channels: u32,
    source_size: u32,
    // In `work`: fours of 0, and slopes along weights, part by part.
    zeros: u32,
    parts: u32,
    seed: u32,
    // Hashes of nodes that are dropped are below this. Share of the others, and 1 by that.
    dropped_below: u32,
    kept: f32,
    grown: f32,
    unused_0: u32,
    unused_1: u32,
    layers: array<Layer, $MAX_LAYERS>,
    images: array<Image, $MAX_LAYERS>,
}

struct Batch {
    // Of its rows in `order`.
    first: u32,
    n_rows: u32,
    // Where its losses go.
    losses: u32,
    // 1: only losses are asked for.
    is_judged_only: u32,
    // What a row of the batch counts.
    share: f32,
    length: f32,
    // What roots of Adam's mean of squares are multiplied by, as it began at 0.
    root: f32,
    // Steps before it.
    step: u32,
}

struct Pick {
    layer: u32,
}

@group(0) @binding(0) var<uniform> plan: Plan;
@group(0) @binding(1) var<uniform> pick: Pick;
@group(0) @binding(2) var<uniform> batch: Batch;
@group(0) @binding(3) var<storage, read> rows: array<vec4f>;
@group(0) @binding(4) var<storage, read> order: array<u32>;
@group(0) @binding(5) var<storage, read_write> work: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> state: array<vec4f>;

// What there is in the plan.
const HAS_IMAGES = $HAS_IMAGES;
const HAS_NORMS = $HAS_NORMS;
const DROPS = $DROPS;
// Rows and columns of a block, and fours of its columns.
const BLOCK = $BLOCKu;
const ACROSS = $ACROSSu;
// Lanes of a workgroup, and of them beside each other in a tile at first.
const LANES = $LANESu;
const LANES_ACROSS = $LANES_ACROSSu;
// Lanes of a workgroup of `pass_rows`.
const FEW_LANES = $FEW_LANESu;
// Rows that one workgroup of `judge` and `pass_rows` takes.
const GROUP = 16u;

var<workgroup> row_losses: array<f32, GROUP>;

// Copies the rows of the batch into the first layer.
@compute @workgroup_size(LANES)
fn gather(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    gather_four((group.y * 65535 + group.x) * LANES + lane, 0, batch.n_rows);
}

// The values of a layer.
@compute @workgroup_size(LANES)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let layer = plan.layers[pick.layer];
    let block = block_of(group, lane, batch.n_rows, layer.outputs_across);
    if block.z == 1 {
        pass_forward(pick.layer, block.x, block.y);
    }
}

// The losses of the rows, and their slopes along the outputs.
@compute @workgroup_size(LANES)
fn judge(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    judge_rows((group.y * 65535 + group.x) * GROUP, lane, LANES);
}

// The slopes of the loss along the sums of the layer below.
@compute @workgroup_size(LANES)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let layer = plan.layers[pick.layer];
    let block = block_of(group, lane, batch.n_rows, layer.inputs_across);
    if block.z == 1 {
        pass_backward(pick.layer, block.x, block.y);
    }
}

// Moves the weights of all layers.
@compute @workgroup_size(LANES)
fn descend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var block = (group.y * 65535 + group.x) * LANES + lane;
    for (var layer_idx = 0u; layer_idx < plan.n_layers; layer_idx++) {
        let layer = plan.layers[layer_idx];
        if block < layer.n_blocks {
            let n_columns = layer.outputs_across / ACROSS;
            descend_block(layer, block / n_columns * BLOCK, block % n_columns * ACROSS);
            return;
        }
        block -= layer.n_blocks;
    }
}

// All that a step does before weights move, for a few rows: they need nothing of each other.
@compute @workgroup_size(FEW_LANES)
fn pass_rows(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first = (group.y * 65535 + group.x) * GROUP;
    for (var at = lane; at < GROUP * (plan.row_across - 1); at += FEW_LANES) {
        gather_four(at, first, min(batch.n_rows, first + GROUP));
    }
    storageBarrier();
    for (var layer_idx = 0u; layer_idx < plan.n_layers; layer_idx++) {
        let n_columns = plan.layers[layer_idx].outputs_across / ACROSS;
        for (var block = lane; block < GROUP / BLOCK * n_columns; block += FEW_LANES) {
            pass_forward(layer_idx, first + block / n_columns * BLOCK, block % n_columns * ACROSS);
        }
        storageBarrier();
    }
    judge_rows(first, lane, FEW_LANES);
    if batch.is_judged_only == 1 {
        return;
    }
    for (var layer_idx = plan.n_layers - 1; layer_idx > 0; layer_idx--) {
        storageBarrier();
        let n_columns = plan.layers[layer_idx].inputs_across / ACROSS;
        for (var block = lane; block < GROUP / BLOCK * n_columns; block += FEW_LANES) {
            pass_backward(layer_idx, first + block / n_columns * BLOCK, block % n_columns * ACROSS);
        }
    }
}

// First row and four of a lane's block, where blocks make `n_rows` rows of `across` fours; and 1 if there is such a block.
// A tile of a workgroup is as square as they allow. `tile` in `shape.rs` says the same.
fn block_of(group: vec3u, lane: u32, n_rows: u32, across: u32) -> vec3u {
    let n_down = (n_rows + BLOCK - 1) / BLOCK;
    let n_across = across / ACROSS;
    let tile_down = min(n_down, LANES / min(n_across, LANES_ACROSS));
    let tile_across = min(n_across, LANES / tile_down);
    let tiles_across = (n_across + tile_across - 1) / tile_across;
    let tile = group.y * 65535 + group.x;
    let down = tile / tiles_across * tile_down + lane / tile_across;
    let right = tile % tiles_across * tile_across + lane % tile_across;
    let is_there = lane < tile_down * tile_across && down < n_down && right < n_across;
    return vec3u(down * BLOCK, right * ACROSS, u32(is_there));
}

fn gather_four(at: u32, first: u32, end: u32) {
    let across = plan.row_across - 1;
    let row = first + at / across;
    if row < end {
        let row_at = order[batch.first + row] * plan.row_across;
        work[plan.layers[0].inputs + row * plan.layers[0].inputs_across + at % across] = rows[row_at + at % across];
    }
}

// Values of a block of rows and outputs.
fn pass_forward(layer_idx: u32, row: u32, column: u32) {
    let layer = plan.layers[layer_idx];
    let n_terms = (layer.n_inputs + 3) / 4;
    var weight_at = layer.weights + column;
    let first_row = layer.inputs + row * layer.inputs_across;
    $ROW_STARTS
    $NO_SUMS
    for (var term = 0u; term < n_terms; term++) {
        $FORWARD_TERM
        weight_at += 4 * layer.outputs_across;
    }
    var sums = array<vec4f, BLOCK * ACROSS>($SUMS);
    for (var at = 0u; at < BLOCK * ACROSS; at++) {
        let four = column + at % ACROSS;
        let row_of_sum = row + at / ACROSS;
        put_sum(layer_idx, sums[at], row_of_sum * layer.outputs_across + four, four, row_of_sum, 4 * four);
    }
}

// Puts four sums of a layer to their place among its values, bent if another layer follows; or to what is to be normalised.
// They are of this four of a pixel, and of a row's nodes from this one on.
fn put_sum(layer_idx: u32, sum: vec4f, place: u32, four: u32, row: u32, node: u32) {
    let layer = plan.layers[layer_idx];
    if HAS_NORMS && layer.is_normal == 1 && batch.is_judged_only == 0 {
        work[plan.images[layer_idx].normals + place] = sum;
        return;
    }
    var value = sum + state[layer.biases + four];
    if HAS_NORMS && layer.is_normal == 1 {
        let running = plan.images[layer_idx].running + four;
        let factor = state[plan.images[layer_idx].factors + four] / deviation(state[running + layer.outputs_across]);
        value = sum * factor + (state[layer.biases + four] - state[running] * factor);
    }
    if layer_idx + 1 < plan.n_layers {
        value = select(bent(value), vec4f(), 4 * four + vec4u(0, 1, 2, 3) >= vec4u(layer.n_outputs));
        if DROPS && batch.is_judged_only == 0 {
            value = select(vec4f(), plan.grown * value, is_kept(plan.images[layer_idx].n_before, row, node));
        }
    }
    work[layer.outputs + place] = value;
}

// Slopes along a block of rows and inputs.
fn pass_backward(layer_idx: u32, row: u32, column: u32) {
    let layer = plan.layers[layer_idx];
    let n_terms = (layer.n_outputs + 3) / 4;
    let first_row = layer.output_errors + row * layer.outputs_across;
    let first_weight = layer.weights + 4 * column * layer.outputs_across;
    $ERROR_STARTS
    $NO_SUMS
    for (var term = 0u; term < n_terms; term++) {
        $BACKWARD_TERM
    }
    var sums = array<vec4f, BLOCK * ACROSS>($SUMS);
    for (var at = 0u; at < BLOCK * ACROSS; at++) {
        put_error(layer_idx, sums[at], row + at / ACROSS, column + at % ACROSS);
    }
}

// Puts slopes along a four of a row that goes into a stage, or along the sums it was bent from.
fn put_error(layer_idx: u32, error: vec4f, row: u32, four: u32) {
    let layer = plan.layers[layer_idx];
    let place = row * layer.inputs_across + four;
    var below = error;
    // What is normalised is done with by `normalise_back`.
    if !HAS_NORMS && (!HAS_IMAGES || plan.images[layer_idx].is_bent_below == 1) {
        let image = plan.images[layer_idx];
        let node = four / image.in_pixel * image.in_channels + 4 * (four % image.in_pixel);
        below = unbent(error, work[layer.inputs + place], image.n_before - 1, row, node);
    }
    work[layer.input_errors + place] = below;
}

// Moves a block of weights, of BLOCK inputs and as many outputs, and the biases of these outputs with the first block.
fn descend_block(layer: Layer, input: u32, column: u32) {
    var input_at = layer.inputs + input / 4;
    var error_at = layer.output_errors + column;
    $NO_SUMS
    $NO_BIASES
    for (var row = 0u; row < batch.n_rows; row++) {
        $DESCEND_TERM
        input_at += layer.inputs_across;
        error_at += layer.outputs_across;
    }
    var sums = array<vec4f, BLOCK * ACROSS>($SUMS);
    for (var at = 0u; at < BLOCK * ACROSS; at++) {
        let place = (input + at / ACROSS) * layer.outputs_across + column + at % ACROSS;
        move_four(layer.weights + place, sums[at], plan.l2_weight);
    }
    // A norm's are moved by `normalise_back`.
    if input == 0 && !(HAS_NORMS && layer.is_normal == 1) {
        var of_biases = array<vec4f, ACROSS>($BIASES);
        for (var at = 0u; at < ACROSS; at++) {
            move_four(layer.biases + column + at, of_biases[at], 0.0);
        }
    }
}

// Moves four weights against a sum of slopes over the batch.
fn move_four(at: u32, sum: vec4f, l2_weight: f32) {
    let weight = state[at];
    let slope = batch.share * (sum + l2_weight * weight);
    if plan.optimizer == 0 {
        let last = plan.momentum * state[plan.n_state + at] - batch.length * slope;
        state[plan.n_state + at] = last;
        state[at] = weight + (plan.momentum * last - batch.length * slope);
        return;
    }
    let mean = plan.means * state[plan.n_state + at] + (1.0 - plan.means) * slope;
    let square = plan.squares * state[2 * plan.n_state + at] + (1.0 - plan.squares) * slope * slope;
    state[plan.n_state + at] = mean;
    state[2 * plan.n_state + at] = square;
    state[at] = weight - batch.length * mean / (sqrt(square) * batch.root + plan.least);
}

// Losses of a few rows, and their sum in the order of the rows.
fn judge_rows(first: u32, lane: u32, n_lanes: u32) {
    for (var at = lane; at < GROUP; at += n_lanes) {
        row_losses[at] = row_loss(first + at);
    }
    workgroupBarrier();
    if lane == 0 {
        var sum = 0.0;
        for (var at = 0u; at < GROUP; at++) {
            sum += row_losses[at];
        }
        work[plan.losses + batch.losses + first / GROUP] = vec4f(sum, 0.0, 0.0, 0.0);
    }
}

// The loss of a row with its weight, or 0 if there is no such row; its slopes go to the errors of the outputs.
fn row_loss(row: u32) -> f32 {
    if row >= batch.n_rows {
        return 0.0;
    }
    let layer = plan.layers[plan.n_layers - 1];
    let outputs = layer.outputs + row * layer.outputs_across;
    let errors = layer.output_errors + row * layer.outputs_across;
    let known = rows[order[batch.first + row] * plan.row_across + plan.row_across - 1];
    let weight = known.y;
    if plan.loss == 0 {
        let error = work[outputs].x - known.x;
        work[errors] = vec4f(weight * error, 0.0, 0.0, 0.0);
        return 0.5 * weight * error * error;
    }
    let class_idx = u32(known.x);
    let n_fours = (layer.n_outputs + 3) / 4;
    var top = -3.0e38;
    var of_class = 0.0;
    var is_sound = true;
    for (var four = 0u; four < n_fours; four++) {
        let columns = 4 * four + vec4u(0, 1, 2, 3);
        let sums = select(vec4f(-3.0e38), work[outputs + four], columns < vec4u(layer.n_outputs));
        top = max(top, max(max(sums.x, sums.y), max(sums.z, sums.w)));
        of_class += dot(select(vec4f(), sums, columns == vec4u(class_idx)), vec4f(1.0));
        // Neither infinite nor no number at all, which a driver may take for impossible: it is told by the bits.
        is_sound &= all((bitcast<vec4u>(sums) & vec4u(0x7f800000)) != vec4u(0x7f800000));
    }
    var total = 0.0;
    for (var four = 0u; four < n_fours; four++) {
        let is_output = 4 * four + vec4u(0, 1, 2, 3) < vec4u(layer.n_outputs);
        total += dot(select(vec4f(), exponential(work[outputs + four] - top), is_output), vec4f(1.0));
    }
    for (var four = 0u; four < n_fours; four++) {
        let columns = 4 * four + vec4u(0, 1, 2, 3);
        let share = exponential(work[outputs + four] - top) / total;
        let error = weight * (share - select(vec4f(), vec4f(1.0), columns == vec4u(class_idx)));
        work[errors + four] = select(vec4f(), error, columns < vec4u(layer.n_outputs));
    }
    if !is_sound {
        return plan.infinity;
    }
    // No more than that of the least number, which keeps the loss of a class that seemed impossible finite.
    return weight * min(logarithm(total) + (top - of_class), 87.336544);
}

// From slopes along the values of a layer, of a row's nodes from this one on, to those along what was bent.
fn unbent(error: vec4f, value: vec4f, layer: u32, row: u32, node: u32) -> vec4f {
    if DROPS {
        return select(vec4f(), plan.grown * error, is_kept(layer, row, node)) * slope(plan.kept * value);
    }
    return error * slope(value);
}

// Which of four nodes of a row are not dropped: see `Plan::drops` in `learn`.
fn is_kept(layer: u32, row: u32, node: u32) -> vec4<bool> {
    let hash = mixed(mixed(mixed(mixed(0, plan.seed), batch.step), layer), row);
    let of_nodes = vec4u(mixed(hash, node), mixed(hash, node + 1), mixed(hash, node + 2), mixed(hash, node + 3));
    return of_nodes >= vec4u(plan.dropped_below);
}

// Wellons, Prospecting for hash functions, 2018.
fn mixed(hash: u32, word: u32) -> u32 {
    var h = (hash ^ word) + 0x9e3779b9u;
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    return h ^ (h >> 16);
}

// What sums of such variance are divided by.
fn deviation(variance: vec4f) -> vec4f {
    return sqrt(variance + 1e-5);
}

// How a layer bends.
fn bent(sums: vec4f) -> vec4f {
    if plan.activation == 0 {
        return max(sums, vec4f());
    }
    if plan.activation == 1 {
        return tangent(sums);
    }
    return 1.0 / (1.0 + exponential(-sums));
}

// The slope at values that `bent` gave.
fn slope(values: vec4f) -> vec4f {
    if plan.activation == 0 {
        return select(vec4f(), vec4f(1.0), values > vec4f());
    }
    if plan.activation == 1 {
        return 1.0 - values * values;
    }
    return values * (1.0 - values);
}

// The hyperbolic tangent. Near 0 the quotient would lose digits: there it is a Taylor polynomial.
fn tangent(z: vec4f) -> vec4f {
    let e = exponential(-2.0 * abs(z));
    let q = z * z;
    let near = z * (1.0 + q * (-0.33333334 + q * (0.13333334 + q * -0.053968254)));
    return select(sign(z) * (1.0 - e) / (1.0 + e), near, abs(z) < vec4f(0.2));
}

// What WGSL has of its own is rounded as each driver likes. After Moshier, Cephes mathematical library, `expf`, 1989.
fn exponential(z: vec4f) -> vec4f {
    let x = clamp(z, vec4f(-87.3), vec4f(88.0));
    let n = floor(x * 1.44269504 + 0.5);
    let r = (x - n * 0.693359375) + n * 2.12194440e-4;
    var y = 1.3981999507e-3 + r * 1.9875691500e-4;
    y = 8.3334519073e-3 + r * y;
    y = 4.1665795894e-2 + r * y;
    y = 1.6666665459e-1 + r * y;
    y = 5.0000001201e-1 + r * y;
    y = 1.0 + (r + r * r * y);
    return y * bitcast<vec4f>(vec4u(vec4i(n) + 127) << vec4u(23));
}

// Of a number of at least 1. After Moshier, Cephes mathematical library, `logf`, 1989.
fn logarithm(z: f32) -> f32 {
    let bits = bitcast<u32>(z);
    var n = f32(bits >> 23) - 126.0;
    var x = bitcast<f32>((bits & 0x7fffff) | 0x3f000000);
    if x < 0.70710678 {
        n -= 1.0;
        x += x;
    }
    x -= 1.0;
    let q = x * x;
    var y = -1.1514610310e-1 + x * 7.0376836292e-2;
    y = 1.1676998740e-1 + x * y;
    y = -1.2420140846e-1 + x * y;
    y = 1.4249322787e-1 + x * y;
    y = -1.6668057665e-1 + x * y;
    y = 2.0000714765e-1 + x * y;
    y = -2.4999993993e-1 + x * y;
    y = 3.3333331174e-1 + x * y;
    y = x * q * y - n * 2.12194440e-4 - 0.5 * q;
    return x + y + n * 0.693359375;
}

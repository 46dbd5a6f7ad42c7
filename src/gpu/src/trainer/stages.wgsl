// What stages are computed by that are no dense layers, and what normalises: behind `train.wgsl`.
//
// A convolution is a layer whose rows are squares of pixels. They are read where they lie: the lines of a square are
// as far apart as those of the image.

// Lanes of a workgroup that sums over all rows and pixels.
const SUM_LANES = $SUM_LANESu;
// Squares of a part of slopes, at least and at most.
const MIN_PART = 64u;
const MAX_PART = 32768u;
// Share of a batch in running means and variances.
const RUNNING = 0.1;

var<workgroup> lane_sums: array<vec4f, SUM_LANES>;

// Lays out squares of the rows of the batch, one at each pixel from which it lies within the image.
@compute @workgroup_size(LANES)
fn lay_out(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let at = (group.y * 65535 + group.x) * LANES + lane;
    let image = plan.images[0];
    let across = image.in_places * image.in_pixel;
    let row = at / across;
    if row >= batch.n_rows {
        return;
    }
    let pixel = at % across / image.in_pixel;
    let first = pixel / image.in_width * plan.source_width + pixel % image.in_width;
    let line = plan.source_size * plan.source_channels;
    let row_at = order[batch.first + row] * plan.row_across;
    var four = vec4f();
    for (var part = 0u; part < 4; part++) {
        let number = 4 * (at % image.in_pixel) + part;
        if number < image.in_channels {
            let source = (first + number / line * plan.source_width) * plan.source_channels + number % line;
            four[part] = rows[row_at + source / 4][source % 4];
        }
    }
    work[plan.layers[0].inputs + row * plan.layers[0].inputs_across + at % across] = four;
}

// The sums of a convolution.
@compute @workgroup_size(LANES)
fn convolve(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    let n_squares = batch.n_rows * image.out_places;
    let block = block_of(group, lane, n_squares, whole(image.out_pixel));
    if block.z == 0 {
        return;
    }
    let last = n_squares - 1;
    $SQUARE_STARTS
    $NO_SUMS
    var weight_at = layer.weights + block.y;
    for (var line = 0u; line < image.size; line++) {
        let start = line * image.in_width * image.in_pixel;
        for (var term = start; term < start + image.size * image.in_pixel; term++) {
            $FORWARD_TERM
            weight_at += 4 * layer.outputs_across;
        }
    }
    var sums = array<vec4f, BLOCK * ACROSS>($SUMS);
    for (var at = 0u; at < BLOCK * ACROSS; at++) {
        let square = block.x + at / ACROSS;
        let four = block.y + at % ACROSS;
        if square <= last && four < image.out_pixel {
            let node = square % image.out_places * layer.n_outputs + 4 * four;
            put_sum(pick.layer, sums[at], output_at(image, square) + four, four, square / image.out_places, node);
        }
    }
}

// The slopes along the pixels below a convolution: of each pixel, over the squares that it is part of.
@compute @workgroup_size(LANES)
fn convolve_back(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    let n_pixels = batch.n_rows * image.in_places;
    let block = block_of(group, lane, n_pixels, whole(image.in_pixel));
    if block.z == 0 {
        return;
    }
    $PIXELS
    $NO_SUMS
    for (var part = 0u; part < image.size * image.size; part++) {
        let first_weight = layer.weights + 4 * (part * image.in_pixel + block.y) * layer.outputs_across;
        let offset = vec2u(part % image.size, part / image.size);
        $PIXEL_ERRORS
        for (var term = 0u; term < image.out_pixel; term++) {
            $BACKWARD_TERM
        }
    }
    var sums = array<vec4f, BLOCK * ACROSS>($SUMS);
    for (var at = 0u; at < BLOCK * ACROSS; at++) {
        let pixel = block.x + at / ACROSS;
        let four = block.y + at % ACROSS;
        if pixel < n_pixels && four < image.in_pixel {
            let in_row = pixel % image.in_places * image.in_pixel + four;
            put_error(pick.layer, sums[at], pixel / image.in_places, in_row);
        }
    }
}

// Sums slopes along a convolution's weights over a part of the squares: those along its biases follow those along weights.
@compute @workgroup_size(LANES)
fn sum_slopes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    let n_squares = batch.n_rows * image.out_places;
    let length = part_length(image, n_squares);
    let n_fours = image.size * image.size * image.in_pixel;
    let n_columns = whole(image.out_pixel) / ACROSS;
    let n_blocks = whole(n_fours) / ACROSS * n_columns;
    let at_block = (group.y * 65535 + group.x) * LANES + lane;
    let start = at_block / n_blocks * length;
    if start >= n_squares {
        return;
    }
    let first_four = at_block % n_blocks / n_columns * ACROSS;
    let column = at_block % n_columns * ACROSS;
    $OFFSETS
    $NO_SUMS
    $NO_BIASES
    var x = start % image.out_width;
    var y = start % image.out_places / image.out_width;
    var input_at = layer.inputs + square_at(layer, image, start);
    var error_at = layer.output_errors + output_at(image, start) + column;
    for (var square = start; square < min(start + length, n_squares); square++) {
        $SLOPE_TERM
        // To the next square: in this line, the next or the next row.
        x++;
        input_at += image.in_pixel;
        error_at += image.out_pixel;
        if x == image.out_width {
            x = 0;
            y++;
            input_at += (image.in_width - image.out_width) * image.in_pixel;
            if y * image.out_width == image.out_places {
                input_at += layer.inputs_across - y * image.in_width * image.in_pixel;
                error_at += image.out_across - image.out_places * image.out_pixel;
                y = 0;
            }
        }
    }
    let first = plan.parts + at_block / n_blocks * (4 * n_fours + 1) * image.out_pixel;
    var sums = array<vec4f, BLOCK * ACROSS>($SUMS);
    for (var at = 0u; at < BLOCK * ACROSS; at++) {
        let input = 4 * first_four + at / ACROSS;
        let four = column + at % ACROSS;
        if input < 4 * n_fours && four < image.out_pixel {
            work[first + input * image.out_pixel + four] = sums[at];
        }
    }
    if first_four == 0 {
        var of_biases = array<vec4f, ACROSS>($BIASES);
        for (var at = 0u; at < ACROSS; at++) {
            if column + at < image.out_pixel {
                work[first + 4 * n_fours * image.out_pixel + column + at] = of_biases[at];
            }
        }
    }
}

// Moves the weights and biases of a convolution.
@compute @workgroup_size(LANES)
fn move_weights(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    let at = (group.y * 65535 + group.x) * LANES + lane;
    let n_inputs = 4 * image.size * image.size * image.in_pixel;
    let input = at / image.out_pixel;
    if input > n_inputs {
        return;
    }
    let n_squares = batch.n_rows * image.out_places;
    let length = part_length(image, n_squares);
    var sum = vec4f();
    for (var part = 0u; part * length < n_squares; part++) {
        sum += work[plan.parts + part * (n_inputs + 1) * image.out_pixel + at];
    }
    if input < n_inputs {
        move_four(layer.weights + input * layer.outputs_across + at % image.out_pixel, sum, plan.l2_weight);
    } else if !HAS_NORMS {
        move_four(layer.biases + at % image.out_pixel, sum, 0.0);
    }
}

// The largest numbers of squares that lie side by side.
@compute @workgroup_size(LANES)
fn pool(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let at = (group.y * 65535 + group.x) * LANES + lane;
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    let place = at / image.out_pixel;
    if place >= batch.n_rows * image.out_places {
        return;
    }
    let four = at % image.out_pixel;
    let in_row = place % image.out_places;
    let pixel = (in_row / image.out_width * image.in_width + in_row % image.out_width) * image.size;
    let first = layer.inputs + place / image.out_places * layer.inputs_across + pixel * image.in_pixel + four;
    work[layer.outputs + output_at(image, place) + four] = largest(image, first).values;
}

// The slopes below: those above stand at the largest numbers.
@compute @workgroup_size(LANES)
fn pool_back(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let at = (group.y * 65535 + group.x) * LANES + lane;
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    let row = at / image.in_pixel / image.in_places;
    if row >= batch.n_rows {
        return;
    }
    let four = at % image.in_pixel;
    let in_row = at / image.in_pixel % image.in_places;
    let pixel = vec2u(in_row % image.in_width, in_row / image.in_width);
    let square = pixel / image.size;
    var error = vec4f();
    // Pixels that fill no square are left out.
    if square.x < image.out_width && square.y * image.out_width < image.out_places {
        let start = square * image.size;
        let first = (start.y * image.in_width + start.x) * image.in_pixel + four;
        let found = largest(image, layer.inputs + row * layer.inputs_across + first);
        let place = row * image.out_across + (square.y * image.out_width + square.x) * image.out_pixel + four;
        let part = (pixel.y - start.y) * image.size + pixel.x - start.x;
        error = select(vec4f(), work[layer.output_errors + place], found.parts == vec4u(part));
    }
    put_error(pick.layer, error, row, in_row * image.in_pixel + four);
}

struct Largest {
    values: vec4f,
    // Which of the square they are, line by line.
    parts: vec4u,
}

// The largest numbers of a square that starts there, the first of equals.
fn largest(image: Image, first: u32) -> Largest {
    var found = Largest(work[first], vec4u());
    for (var part = 1u; part < image.size * image.size; part++) {
        let place = first + (part / image.size * image.in_width + part % image.size) * image.in_pixel;
        let values = work[place];
        let is_larger = values > found.values;
        found.values = select(found.values, values, is_larger);
        found.parts = select(found.parts, vec4u(part), is_larger);
    }
    return found;
}

// Normalises a four of a layer's outputs over all rows and pixels, bends and drops.
@compute @workgroup_size(SUM_LANES)
fn normalise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let four = group.y * 65535 + group.x;
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    if four >= image.out_pixel {
        return;
    }
    let n = batch.n_rows * image.out_places;
    let sums = image.normals + four;
    var sum = vec4f();
    for (var at = lane; at < n; at += SUM_LANES) {
        sum += work[sums + output_at(image, at)];
    }
    let mean = total(lane, sum) / f32(n);
    // The textbook sum of squares cancels badly when the mean is large.
    var square = vec4f();
    for (var at = lane; at < n; at += SUM_LANES) {
        let error = work[sums + output_at(image, at)] - mean;
        square += error * error;
    }
    square = total(lane, square);
    let inverse = 1.0 / deviation(square / f32(n));
    let factor = state[image.factors + four];
    let bias = state[layer.biases + four];
    let is_filled = 4 * four + vec4u(0, 1, 2, 3) >= vec4u(layer.n_outputs);
    for (var at = lane; at < n; at += SUM_LANES) {
        let place = output_at(image, at);
        let normal = (work[sums + place] - mean) * inverse;
        work[sums + place] = normal;
        var value = select(bent(normal * factor + bias), vec4f(), is_filled);
        if DROPS {
            let node = at % image.out_places * layer.n_outputs + 4 * four;
            value = select(vec4f(), plan.grown * value, is_kept(image.n_before, at / image.out_places, node));
        }
        work[layer.outputs + place + four] = value;
    }
    if lane == 0 {
        let running = image.running + four;
        if n > 1 {
            let variances = running + layer.outputs_across;
            state[running] = (1.0 - RUNNING) * state[running] + RUNNING * mean;
            state[variances] = (1.0 - RUNNING) * state[variances] + RUNNING * (square / f32(n - 1));
        }
        state[running + 2 * layer.outputs_across] = inverse;
    }
}

// From slopes along the values of a four of outputs to those along its sums; moves what they were multiplied by and biases.
@compute @workgroup_size(SUM_LANES)
fn normalise_back(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let four = group.y * 65535 + group.x;
    let layer = plan.layers[pick.layer];
    let image = plan.images[pick.layer];
    if four >= image.out_pixel {
        return;
    }
    let n = batch.n_rows * image.out_places;
    let normals = image.normals + four;
    let errors = layer.output_errors + four;
    var of_biases = vec4f();
    var of_factors = vec4f();
    for (var at = lane; at < n; at += SUM_LANES) {
        let place = output_at(image, at);
        let node = at % image.out_places * layer.n_outputs + 4 * four;
        let value = work[layer.outputs + place + four];
        let error = unbent(work[errors + place], value, image.n_before, at / image.out_places, node);
        work[errors + place] = error;
        of_biases += error;
        of_factors += error * work[normals + place];
    }
    of_biases = total(lane, of_biases);
    of_factors = total(lane, of_factors);
    let scale = state[image.factors + four] * state[image.running + 2 * layer.outputs_across + four];
    let share = 1.0 / f32(n);
    for (var at = lane; at < n; at += SUM_LANES) {
        let place = output_at(image, at);
        let along = share * (of_biases + work[normals + place] * of_factors);
        work[errors + place] = scale * (work[errors + place] - along);
    }
    // All lanes have read the factors.
    storageBarrier();
    if lane == 0 {
        move_four(layer.biases + four, of_biases, 0.0);
        move_four(image.factors + four, of_factors, 0.0);
    }
}

// The sum over all lanes of a workgroup.
fn total(lane: u32, sum: vec4f) -> vec4f {
    // Who still reads the last one.
    workgroupBarrier();
    lane_sums[lane] = sum;
    workgroupBarrier();
    for (var n = SUM_LANES / 2; n > 0; n /= 2) {
        if lane < n {
            lane_sums[lane] += lane_sums[lane + n];
        }
        workgroupBarrier();
    }
    return lane_sums[0];
}

// As many fours as whole blocks have.
fn whole(n_fours: u32) -> u32 {
    return (n_fours + ACROSS - 1) / ACROSS * ACROSS;
}

// Where a pixel of what comes out starts, of those of all rows.
fn output_at(image: Image, place: u32) -> u32 {
    return place / image.out_places * image.out_across + place % image.out_places * image.out_pixel;
}

// Where a square starts among what goes into a convolution.
fn square_at(layer: Layer, image: Image, square: u32) -> u32 {
    let in_row = square % image.out_places;
    let pixel = in_row / image.out_width * image.in_width + in_row % image.out_width;
    return square / image.out_places * layer.inputs_across + pixel * image.in_pixel;
}

// Where a four of a square lies from where the square starts.
fn offset_of(image: Image, four: u32) -> u32 {
    let part = four / image.in_pixel;
    let pixel = part / image.size * image.in_width + part % image.size;
    return pixel * image.in_pixel + four % image.in_pixel;
}

// Of a pixel of what goes in: where it is, and where its row starts among what comes out.
fn pixel_of(image: Image, place: u32) -> vec3u {
    let pixel = place % image.in_places;
    return vec3u(pixel % image.in_width, pixel / image.in_width, place / image.in_places * image.out_across);
}

// Slopes along the sums of the square of which the pixel is this part, or zeros if there is none.
fn pixel_error(layer: Layer, image: Image, pixel: vec3u, offset: vec2u) -> u32 {
    // Below 0 it is a large number.
    let square = pixel.xy - offset;
    let is_there = square.x < image.out_width && square.y < image.out_places / image.out_width;
    let place = pixel.z + (square.y * image.out_width + square.x) * image.out_pixel;
    return select(plan.zeros, layer.output_errors + place, is_there);
}

// Squares of a part of slopes. `part_length` in `shape.rs` says the same.
fn part_length(image: Image, n_squares: u32) -> u32 {
    return clamp((n_squares + image.n_parts - 1) / image.n_parts, MIN_PART, MAX_PART);
}

// Sums over the terms that a row of A and a column of B have in common: their products, or the squares of their
// differences. A workgroup sums a tile of 64 rows and 64 columns; each of its 64 lanes 8 rows and 8 columns, in
// registers. 16 terms of the tile at a time lie in the workgroup's memory.

// A is stored term by term instead of row by row.
override A_IS_TRANSPOSED: bool = false;
// B is stored column by column instead of term by term.
override B_IS_TRANSPOSED: bool = false;
// Squares of differences are summed.
override IS_DISTANCE: bool = false;
// Tiles that lie below the diagonal as a whole are left out.
override IS_SYMMETRIC: bool = false;

struct Shape {
    // Rows, columns and terms of the buffers.
    m: u32,
    n: u32,
    k: u32,
    // Layer z of workgroups sums terms from `first_term + z * n_terms` on.
    first_term: u32,
    n_terms: u32,
    // Where the first row and column are in the whole.
    first_row: u32,
    first_column: u32,
    // 1: sums are added to what is there.
    is_added: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
// A matrix for each layer of workgroups, row by row.
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

const TILE = 64u;
const DEPTH = 16u;
// One more than the 16 groups of four that a term has: neighbouring terms then lie in different banks.
const STRIDE = 17u;

var<workgroup> a_tile: array<vec4f, DEPTH * STRIDE>;
var<workgroup> b_tile: array<vec4f, DEPTH * STRIDE>;

@compute @workgroup_size(8, 8)
fn product(
    @builtin(workgroup_id) tile: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let first_row = tile.y * TILE;
    let first_column = tile.x * TILE;
    if IS_SYMMETRIC && shape.first_column + first_column + TILE <= shape.first_row + first_row {
        return;
    }
    let start = shape.first_term + tile.z * shape.n_terms;
    let end = min(start + shape.n_terms, shape.k);
    // Of its upper and lower four rows, and its left and right four columns.
    var upper_left = mat4x4f();
    var upper_right = mat4x4f();
    var lower_left = mat4x4f();
    var lower_right = mat4x4f();
    for (var term = start; term < end; term += DEPTH) {
        for (var slot = lane; slot < 256; slot += 64) {
            let of_a = share(slot, A_IS_TRANSPOSED);
            let of_b = share(slot, !B_IS_TRANSPOSED);
            a_tile[of_a.y * STRIDE + of_a.x] = four_of_a(first_row + 4 * of_a.x, term + of_a.y, end);
            b_tile[of_b.y * STRIDE + of_b.x] = four_of_b(term + of_b.y, first_column + 4 * of_b.x, end);
        }
        workgroupBarrier();
        for (var depth = 0u; depth < DEPTH; depth++) {
            let upper = a_tile[depth * STRIDE + at.y];
            let lower = a_tile[depth * STRIDE + at.y + 8];
            let left = b_tile[depth * STRIDE + at.x];
            let right = b_tile[depth * STRIDE + at.x + 8];
            upper_left += terms(upper, left);
            upper_right += terms(upper, right);
            lower_left += terms(lower, left);
            lower_right += terms(lower, right);
        }
        workgroupBarrier();
    }
    let row = first_row + 4 * at.y;
    let column = first_column + 4 * at.x;
    put(tile.z, row, column, upper_left);
    put(tile.z, row, column + 32, upper_right);
    put(tile.z, row + 32, column, lower_left);
    put(tile.z, row + 32, column + 32, lower_right);
}

// What four rows and four columns have of one term; a vector for each row.
fn terms(x: vec4f, y: vec4f) -> mat4x4f {
    if IS_DISTANCE {
        let d = mat4x4f(x.x - y, x.y - y, x.z - y, x.w - y);
        return mat4x4f(d[0] * d[0], d[1] * d[1], d[2] * d[2], d[3] * d[3]);
    }
    return mat4x4f(x.x * y, x.y * y, x.z * y, x.w * y);
}

// Which group of four a lane reads, and which term of it: lanes beside each other read what lies beside each other.
fn share(lane: u32, terms_are_apart: bool) -> vec2u {
    if terms_are_apart {
        return vec2u(lane % 16, lane / 16);
    }
    return vec2u(lane / 16, lane % 16);
}

fn four_of_a(row: u32, term: u32, end: u32) -> vec4f {
    return vec4f(a_at(row, term, end), a_at(row + 1, term, end), a_at(row + 2, term, end), a_at(row + 3, term, end));
}

fn four_of_b(term: u32, column: u32, end: u32) -> vec4f {
    return vec4f(
        b_at(term, column, end),
        b_at(term, column + 1, end),
        b_at(term, column + 2, end),
        b_at(term, column + 3, end),
    );
}

// 0 beyond the edges.
fn a_at(row: u32, term: u32, end: u32) -> f32 {
    if row >= shape.m || term >= end {
        return 0.0;
    }
    return a[select(row * shape.k + term, term * shape.m + row, A_IS_TRANSPOSED)];
}

fn b_at(term: u32, column: u32, end: u32) -> f32 {
    if column >= shape.n || term >= end {
        return 0.0;
    }
    return b[select(term * shape.n + column, column * shape.k + term, B_IS_TRANSPOSED)];
}

fn put(layer: u32, row: u32, column: u32, values: mat4x4f) {
    put_row(layer, row, column, values[0]);
    put_row(layer, row + 1, column, values[1]);
    put_row(layer, row + 2, column, values[2]);
    put_row(layer, row + 3, column, values[3]);
}

fn put_row(layer: u32, row: u32, column: u32, values: vec4f) {
    if row >= shape.m {
        return;
    }
    let index = (layer * shape.m + row) * shape.n + column;
    put_one(index, column, values.x);
    put_one(index + 1, column + 1, values.y);
    put_one(index + 2, column + 2, values.z);
    put_one(index + 3, column + 3, values.w);
}

fn put_one(index: u32, column: u32, value: f32) {
    if column >= shape.n {
        return;
    }
    if shape.is_added == 1 {
        sums[index] += value;
    } else {
        sums[index] = value;
    }
}

// Sums over the terms that a row of A and a column of B have in common: their products, or the squares of their
// differences. A workgroup sums a tile of 64 rows and 64 columns; each of its 256 lanes 4 rows and 4 columns, in
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

@compute @workgroup_size(16, 16)
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
    let of_a = share(lane, A_IS_TRANSPOSED);
    let of_b = share(lane, !B_IS_TRANSPOSED);
    let a_row = first_row + 4 * of_a.x;
    let b_column = first_column + 4 * of_b.x;
    var row_0 = vec4f();
    var row_1 = vec4f();
    var row_2 = vec4f();
    var row_3 = vec4f();
    for (var term = start; term < end; term += DEPTH) {
        let a_term = term + of_a.y;
        a_tile[of_a.y * STRIDE + of_a.x] = vec4f(
            a_at(a_row, a_term, end),
            a_at(a_row + 1, a_term, end),
            a_at(a_row + 2, a_term, end),
            a_at(a_row + 3, a_term, end),
        );
        let b_term = term + of_b.y;
        b_tile[of_b.y * STRIDE + of_b.x] = vec4f(
            b_at(b_term, b_column, end),
            b_at(b_term, b_column + 1, end),
            b_at(b_term, b_column + 2, end),
            b_at(b_term, b_column + 3, end),
        );
        workgroupBarrier();
        for (var depth = 0u; depth < DEPTH; depth++) {
            let x = a_tile[depth * STRIDE + at.y];
            let y = b_tile[depth * STRIDE + at.x];
            if IS_DISTANCE {
                row_0 += (x.x - y) * (x.x - y);
                row_1 += (x.y - y) * (x.y - y);
                row_2 += (x.z - y) * (x.z - y);
                row_3 += (x.w - y) * (x.w - y);
            } else {
                row_0 += x.x * y;
                row_1 += x.y * y;
                row_2 += x.z * y;
                row_3 += x.w * y;
            }
        }
        workgroupBarrier();
    }
    let row = first_row + 4 * at.y;
    let column = first_column + 4 * at.x;
    put(tile.z, row, column, row_0);
    put(tile.z, row + 1, column, row_1);
    put(tile.z, row + 2, column, row_2);
    put(tile.z, row + 3, column, row_3);
}

// Which group of four a lane reads, and which term of it: lanes beside each other read what lies beside each other.
fn share(lane: u32, terms_are_apart: bool) -> vec2u {
    if terms_are_apart {
        return vec2u(lane % 16, lane / 16);
    }
    return vec2u(lane / 16, lane % 16);
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

fn put(layer: u32, row: u32, column: u32, values: vec4f) {
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

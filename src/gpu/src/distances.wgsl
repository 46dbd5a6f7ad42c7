// What is wanted of the squares of distances, which stand point by point, of each row.

struct Shape {
    n_rows: u32,
    n_points: u32,
    // Where in `found` the first row or group stands, and how many rows or groups there are in the whole.
    first: u32,
    n_all: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> squares: array<f32>;
@group(0) @binding(2) var<storage, read_write> found: array<f32>;

// Where there is no other.
const FAR = 3e38;
// Rows of a group.
const WIDTH = 8u;

// Of each row the position of the nearest point, the square of its distance, and that of the next one.
@compute @workgroup_size(64)
fn nearest(@builtin(global_invocation_id) at: vec3u) {
    let row = at.x;
    if row >= shape.n_rows {
        return;
    }
    var position = 0u;
    var least = FAR;
    var next = FAR;
    for (var point = 0u; point < shape.n_points; point++) {
        let square = squares[point * shape.n_rows + row];
        if square < least {
            next = least;
            least = square;
            position = point;
        } else if square < next {
            next = square;
        }
    }
    let to = 3 * (shape.first + row);
    found[to] = f32(position);
    found[to + 1] = least;
    found[to + 2] = next;
}

// Of each point and each group of rows the least square.
@compute @workgroup_size(64)
fn least(@builtin(global_invocation_id) at: vec3u) {
    let first_row = WIDTH * at.x;
    if first_row >= shape.n_rows {
        return;
    }
    var least = FAR;
    for (var row = first_row; row < min(first_row + WIDTH, shape.n_rows); row++) {
        least = min(least, squares[at.y * shape.n_rows + row]);
    }
    found[at.y * shape.n_all + shape.first + at.x] = least;
}

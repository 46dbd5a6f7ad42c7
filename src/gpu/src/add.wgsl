// Adds the layers of a product to one matrix, in their order.

struct Shape {
    // Numbers of a layer.
    n_sums: u32,
    n_layers: u32,
    // 1: they are added to what is there.
    is_added: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> layers: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(256)
fn add(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= shape.n_sums {
        return;
    }
    var sum = 0.0;
    if shape.is_added == 1 {
        sum = sums[at.x];
    }
    for (var layer = 0u; layer < shape.n_layers; layer++) {
        sum += layers[layer * shape.n_sums + at.x];
    }
    sums[at.x] = sum;
}

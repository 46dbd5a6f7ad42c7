//! Sobol's sequence: points that leave fewer holes than chance.

mod numbers;

use numbers::NUMBERS;

/// How many dimensions the sequence is kept for.
pub(crate) const N_DIMENSIONS: usize = NUMBERS.len() + 1;

/// Coordinate `dimension_idx` of point `point_idx`, as 32 bits after the point. Point 0 is the origin.
///
/// Bratley and Fox (1988), with the direction numbers of Joe and Kuo (2008) in the order of Gray's code, as in SciPy.
pub(crate) fn coordinate(dimension_idx: usize, point_idx: u32) -> u32 {
    let gray = point_idx ^ (point_idx >> 1);
    let bits = (0..32).filter(|bit| gray >> bit & 1 == 1);
    let directions = directions(dimension_idx);
    bits.fold(0, |x, bit| x ^ directions[bit])
}

/// v₁, v₂… of a dimension: mₖ shifted to the k-th bit after the point.
fn directions(dimension_idx: usize) -> [u32; 32] {
    let mut v = [0u32; 32];
    let Some((polynomial, first)) = dimension_idx.checked_sub(1).and_then(|idx| NUMBERS.get(idx)) else {
        // The first dimension is van der Corput's sequence.
        return std::array::from_fn(|k| 1 << (31 - k));
    };
    let degree = first.len();
    for (k, m) in first.iter().enumerate() {
        v[k] = u32::from(*m) << (31 - k);
    }
    for k in degree..32 {
        v[k] = v[k - degree] ^ (v[k - degree] >> degree);
        for j in 1..degree {
            if polynomial >> (degree - j) & 1 == 1 {
                v[k] ^= v[k - j];
            }
        }
    }
    v
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn the_points_are_those_of_scipy() {
        let points: Json = serde_json::from_str(include_str!("../tests/reference/sobol.json")).unwrap();
        let points = points.as_object().unwrap();
        assert_eq!(points.len(), 20);
        for (point_idx, expected) in points {
            let ours: Vec<u64> =
                (0..N_DIMENSIONS).map(|idx| u64::from(coordinate(idx, point_idx.parse().unwrap()) >> 2)).collect();
            let expected: Vec<u64> = expected.as_array().unwrap().iter().filter_map(Json::as_u64).collect();
            assert_eq!(ours, expected, "point {point_idx}");
        }
    }
}

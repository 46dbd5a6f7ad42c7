"""Direction numbers of Sobol's sequence, and points of it, from SciPy.

    pip install -r requirements.txt
    python sobol.py

writes ../../src/sobol/numbers.rs (the first 100 rows of Joe and Kuo's new-joe-kuo-6.21201, which SciPy carries) and
sobol.json (points of scipy.stats.qmc.Sobol without scrambling, times 2^30, so that they are whole).
"""

import json
import pathlib
import warnings

import numpy as np
import scipy.stats
from scipy.stats import qmc

HERE = pathlib.Path(__file__).parent
N_DIMENSIONS = 100
POINTS = [*range(16), 100, 255, 256, 999]

LICENCE = """\
Copyright (c) 2008, Frances Y. Kuo and Stephen Joe
All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:

  * Redistributions of source code must retain the above copyright notice, this list of conditions and the following
    disclaimer.
  * Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
    following disclaimer in the documentation and/or other materials provided with the distribution.
  * Neither the names of the copyright holders nor the names of the University of New South Wales and the University
    of Waikato and its contributors may be used to endorse or promote products derived from this software without
    specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT
SHALL THE COPYRIGHT HOLDERS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR
BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE
POSSIBILITY OF SUCH DAMAGE."""


def main():
    numbers = np.load(pathlib.Path(scipy.stats.__file__).parent / "_sobol_direction_numbers.npz")
    lines = ["//! Joe and Kuo's direction numbers, written by tests/reference/sobol.py.", "//!"]
    lines += [f"//! {line}".rstrip() for line in LICENCE.splitlines()]
    lines += ["", "/// For each dimension after the first: the primitive polynomial's coefficients as bits, and m₁, m₂…"]
    lines += [f"pub(super) const NUMBERS: [(u16, &[u16]); {N_DIMENSIONS - 1}] = ["]
    for polynomial, first in zip(numbers["poly"][1:N_DIMENSIONS], numbers["vinit"][1:N_DIMENSIONS]):
        degree = int(polynomial).bit_length() - 1
        lines.append(f"    ({polynomial}, &[{', '.join(str(m) for m in first[:degree])}]),")
    lines.append("];")
    (HERE / "../../src/sobol").mkdir(exist_ok=True)
    (HERE / "../../src/sobol/numbers.rs").write_text("\n".join(lines) + "\n")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A number of points that is no power of two.
        drawn = qmc.Sobol(N_DIMENSIONS, scramble=False, bits=30).random(max(POINTS) + 1)
    points = {str(idx): [int(x) for x in drawn[idx] * 2**30] for idx in POINTS}
    text = ",\n".join(f'"{idx}": {json.dumps(row)}' for idx, row in points.items())
    (HERE / "sobol.json").write_text("{\n" + text + "\n}\n")


main()

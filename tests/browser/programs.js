//! The native programs that scenarios compare with, as `cargo xtask test` builds them.

import { join } from "node:path";

/// The repository.
export const ROOT = join(import.meta.dirname, "../..");

const BUILT = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug");

/// The command line.
export const MILLRACE = join(BUILT, "millrace");
/// Asks a worker for the golden pipelines' figures.
export const GOLDEN_IN_WORKER = join(BUILT, "examples/golden_in_worker");

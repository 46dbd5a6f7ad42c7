//! Golden pipelines, reference numbers and browser scenarios.

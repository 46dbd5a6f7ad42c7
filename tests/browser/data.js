//! Tables and pipelines that scenarios make for themselves.

/// A table of yes and no that can be learned: two numbers, a category, an id.
export function shopCsv(nRows = 240) {
  const lines = ["id,visits,basket,country,returned"];
  for (let row = 0; row < nRows; row += 1) {
    const visits = (row * 7) % 23;
    const basket = ((row * 13) % 97) / 2;
    const country = ["NL", "DE", "FR"][row % 3];
    lines.push(`${row + 1},${visits},${basket},${country},${visits + basket / 8 > 14 ? "yes" : "no"}`);
  }
  return lines.join("\n") + "\n";
}

/// A pipeline's file: nodes as `id: [component, params]`, edges as `"to.input": "from.output"`.
export function pipelineJson(name, nodes, edges = {}) {
  const placed = Object.entries(nodes).map(([id, [component, params = {}]], node_idx) => [
    id,
    { component, params, position: [280 * (node_idx % 2), 140 * node_idx] },
  ]);
  return JSON.stringify({ millrace: "pipeline", format: 1, name, seed: 1, nodes: Object.fromEntries(placed), edges });
}

/// A pipeline that takes long enough to be interrupted: a forest of `nTrees` on 8,000 rows.
export function slowPipeline(nTrees) {
  return pipelineJson(
    "Many trees",
    {
      data: ["data.generate-data@1", { shape: "churn", n_rows: 8000 }],
      clean: ["transform.clean-missing-data@1", { cleaning_mode: "remove-rows" }],
      forest: ["learn.decision-forest@1", { n_trees: nTrees }],
      train: ["train.train-model@1"],
    },
    { "clean.table": "data.table", "train.learner": "forest.learner", "train.table": "clean.table" },
  );
}

//! What fits and predictions take in the browser's engine, on the rows that `tests/reference/engine_speed.py` keeps.

import { pipelineJson } from "../data.js";

/// What learns, what is timed of it, and where: a learner behind Train Model, unless it is something else.
const KERNELS = {
  forest: { learner: ["learn.decision-forest@1"] },
  boosting: { learner: ["learn.boosted-decision-tree@1"] },
  logistic: { learner: ["learn.logistic-regression@1"] },
  ridge: { learner: ["learn.linear-regression@1", { solution_method: "ridge" }] },
  pca: {
    fit: (turn) => {
      const nComponents = turn < N_WARM ? 8 + turn : turn;
      return ["transform.principal-component-analysis@1", { n_components: nComponents, standardize: false }];
    },
  },
  neighbors: { learner: ["learn.k-nearest-neighbors@1", { standardize: false }], phase: "predict" },
  kmeans: { learner: ["learn.k-means@1", { k: 8, normalize: false }], clusters: true },
  svm: { learner: ["learn.support-vector-machine@1", { gamma_from: "value", gamma: 0.05, probabilities: false, standardize: false }] },
  network: { learner: ["learn.neural-network@1", { hidden_nodes: "128", batch_size: 128, iterations: 3, validation_share: 0 }] },
};
/// The first ones only let the browser make the engine's code fast, which it does beside them.
const N_WARM = 4;
const N_TURNS = 8;

/// By which the nodes are found that a file is chosen for.
const TITLES = { training: "Training rows", others: "Other rows" };

/// The kernels whose rows are in the folder.
export const kernelNames = Object.keys(KERNELS);

/// A pipeline that fits the same again and again; only a seed, or how many components are kept, tells the turns apart.
function pipeline({ learner, fit, clusters, phase }) {
  const nodes = { training: ["data.import-file@1"] };
  const edges = {};
  if (learner) {
    nodes.learner = learner;
  }
  if (phase === "predict") {
    nodes.others = ["data.import-file@1"];
  }
  for (let turn = 0; turn < N_TURNS; turn += 1) {
    const id = `fit-${turn}`;
    if (fit) {
      nodes[id] = fit(turn);
    } else if (clusters) {
      nodes[id] = ["train.train-clustering-model@1", { seed: turn }];
      edges[`${id}.clusterer`] = "learner.clusterer";
    } else {
      nodes[id] = ["train.train-model@1", { target: "y", seed: turn }];
      edges[`${id}.learner`] = "learner.learner";
    }
    edges[`${id}.table`] = "training.table";
    if (phase === "predict") {
      nodes[`predict-${turn}`] = ["score.score-model@1"];
      edges[`predict-${turn}.model`] = `${id}.model`;
      edges[`predict-${turn}.table`] = "others.table";
    }
  }
  const document = JSON.parse(pipelineJson("Speed", nodes, edges));
  for (const [id, title] of Object.entries(TITLES)) {
    if (document.nodes[id]) {
      document.nodes[id].title = title;
    }
  }
  return JSON.stringify(document);
}

/// The seconds that each turn took, by the record of the run. The page is open and rests.
export async function turns(page, kernel, folder, { idle, finished, expectStates }) {
  const wanted = KERNELS[kernel];
  const buffer = Buffer.from(pipeline(wanted));
  await page.locator(".question__title").first().waitFor();
  await page.locator("#file-input").setInputFiles({ name: "speed.json", mimeType: "application/json", buffer });
  await page.locator("[data-node-id]").first().waitFor({ state: "attached" });
  await idle(page);
  for (const part of wanted.phase === "predict" ? ["training", "others"] : ["training"]) {
    await page.keyboard.press("Control+k");
    await page.locator("#commander-input").fill(`go to ${TITLES[part]}`);
    await page.keyboard.press("Enter");
    const button = page.locator('[data-param="file"] button').first();
    await button.waitFor();
    const asked = page.waitForEvent("filechooser");
    await page.evaluate(() => undefined);
    await button.click();
    await (await asked).setFiles(`${folder}/${kernel}-${part}.csv`);
    await idle(page);
  }
  await page.locator("#compute").click();
  await page.locator('#compute-menu input[value="1"]').check();
  await page.keyboard.press("Escape");
  await page.locator("#run:enabled").click();
  await finished(page);
  // The file may have been read as soon as it was chosen.
  await expectStates(page, "ran", "reused");
  const nodes = await page.evaluate(nodesOfLastRun);
  const timed = nodes.filter(({ node }) => node.startsWith(wanted.phase ?? "fit"));
  return timed.sort((one, other) => (one.node < other.node ? -1 : 1)).slice(N_WARM).map((node) => node.elapsed_secs);
}

/// In the page: what the latest kept run says of its nodes.
async function nodesOfLastRun() {
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await settled(indexedDB.open("millrace-runs"));
  const texts = await settled(database.transaction("runs").objectStore("runs").getAll());
  database.close();
  const runs = texts.map((text) => JSON.parse(text)).sort((one, other) => (one.id < other.id ? 1 : -1));
  return runs[0].nodes;
}

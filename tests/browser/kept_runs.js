//! Runs as the browser keeps them: the files of the folder that the command line leaves.

/// What is kept of runs, by path.
export function keptFiles(page) {
  return page.evaluate(async () => {
    const settled = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const database = await settled(indexedDB.open("millrace-runs"));
    const transaction = database.transaction(["runs", "pipelines"]);
    const shelf = async (name) => {
      const store = transaction.objectStore(name);
      const [paths, texts] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
      return paths.map((path, at) => [path, texts[at]]);
    };
    const files = Object.fromEntries((await Promise.all(["runs", "pipelines"].map(shelf))).flat());
    database.close();
    return files;
  });
}

/// The records of a sweep's trials, by number; each trial has one.
export async function keptTrials(page) {
  const files = await keptFiles(page);
  const runs = Object.entries(files).filter(([path]) => path.startsWith("runs/")).map(([, text]) => JSON.parse(text));
  return runs.filter(({ trial }) => trial).sort((one, other) => (one.trial.number ?? 0) - (other.trial.number ?? 0));
}

/// What a trial came to on its way, as its record has it.
export function onTheWay({ figures = [] }) {
  const [found] = figures.map(({ shown }) => shown.figure).filter((figure) => figure?.id === "intermediate");
  return (found?.series[0].marks.line ?? []).map(([, value]) => value);
}

/// The files with `values.length` runs of each kept pipeline in place of those that there are: with these figures.
export function grownRuns(files, metric, values) {
  const grown = Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith("pipelines/")));
  const like = Object.entries(files).filter(([path]) => path.startsWith("runs/")).map(([, text]) => JSON.parse(text));
  like.forEach((run, run_idx) => {
    values[run_idx].forEach((value, at) => {
      const number = 1 + at + run_idx * values[0].length;
      const id = `${run.id.slice(0, 11)}-${String(number).padStart(8, "0")}`;
      const metrics = run.metrics.map((known) => (known.name === metric ? { ...known, value } : known));
      grown[`runs/${id}.json`] = JSON.stringify({ ...run, id, number, name: `Run ${number}`, metrics });
    });
  });
  return grown;
}

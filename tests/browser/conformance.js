//! What every host of an endpoint must answer: the Open Inference Protocol, version 2, and what is promised beside it.
//!
//! The same cases run against the server and wherever else the protocol is spoken. `ask(method, path, { headers, body })`
//! gives `{ status, headers, bytes }`; `CASES` are to be run one after another. They expect one endpoint, `churn`, whose
//! deployment `blue` has all traffic and serves version 1, and whose deployment `green` serves version 2, which has the
//! alias `challenger`. Both were trained by `tests/golden/pipelines/web_service.json`.

import strict from "node:assert/strict";

let nAsserted = 0;
const assert = new Proxy(strict, {
  get(target, name) {
    nAsserted += 1;
    return target[name];
  },
});

/// How many assertions were made so far.
export const nAssertions = () => nAsserted;

const INFER = "/v2/models/churn/infer";
const CLASSES = ["no", "yes"];
/// A row of the training data, one value a column.
const ROW = {
  age: ["INT64", 44],
  region: ["BYTES", "West"],
  contract: ["BYTES", "Two year"],
  payment: ["BYTES", "Bank transfer"],
  internet: ["BYTES", "DSL"],
  paperless: ["BOOL", true],
  tenure_months: ["INT64", 12],
  support_calls: ["INT64", 4],
  monthly_charges: ["FP64", 55.5],
  total_charges: ["FP64", 660.25],
};
const NAMES = Object.keys(ROW);
const VALUES = Object.fromEntries(NAMES.map((name) => [name, ROW[name][1]]));

/// A request of rows that differ from `ROW` as said; `null` leaves a column out.
function inputs(...rows) {
  const kept = NAMES.filter((name) => rows.every((row) => row[name] !== null || name in (row.missing ?? {})));
  return kept.map((name) => ({
    name,
    shape: [rows.length],
    datatype: ROW[name][0],
    data: rows.map((row) => (row.missing && name in row.missing ? null : (row[name] ?? VALUES[name]))),
  }));
}

const body = (...rows) => ({ inputs: inputs(...(rows.length ? rows : [{}])) });

function text(answer) {
  return new TextDecoder().decode(answer.bytes);
}

function json(answer) {
  return JSON.parse(text(answer));
}

/// Posts a body that is an object as JSON, and anything else as it is.
function post(ask, path, content, headers = {}) {
  const isPlain = typeof content === "string" || content instanceof Uint8Array;
  return ask("POST", path, { headers, body: isPlain ? content : JSON.stringify(content) });
}

async function predicted(ask, content, path = INFER, headers = {}) {
  const answer = await post(ask, path, content, headers);
  assert.equal(answer.status, 200, text(answer));
  return json(answer);
}

async function refused(ask, content, status, code, path = INFER, headers = {}) {
  const answer = await post(ask, path, content, headers);
  assert.equal(answer.status, status, text(answer));
  assert.match(answer.headers["content-type"], /^application\/json/);
  const refusal = json(answer);
  assert.equal(refusal.code, code);
  assert.equal(typeof refusal.error, "string");
  return refusal;
}

const output = (answer, name) => answer.outputs.find((column) => column.name === name);

/// Little-endian tensors behind a JSON head.
function binary(columns, more = {}) {
  const tensors = columns.map(([name, datatype, values]) => {
    const bytes = [];
    for (const value of values) {
      const buffer = new DataView(new ArrayBuffer(8));
      if (datatype === "BYTES") {
        const encoded = new TextEncoder().encode(value);
        buffer.setUint32(0, encoded.length, true);
        bytes.push(...new Uint8Array(buffer.buffer, 0, 4), ...encoded);
      } else if (datatype === "BOOL") {
        bytes.push(value ? 1 : 0);
      } else if (datatype === "INT64") {
        buffer.setBigInt64(0, BigInt(value), true);
        bytes.push(...new Uint8Array(buffer.buffer));
      } else if (datatype === "INT32") {
        buffer.setInt32(0, value, true);
        bytes.push(...new Uint8Array(buffer.buffer, 0, 4));
      } else if (datatype === "FP32") {
        buffer.setFloat32(0, value, true);
        bytes.push(...new Uint8Array(buffer.buffer, 0, 4));
      } else {
        buffer.setFloat64(0, value, true);
        bytes.push(...new Uint8Array(buffer.buffer));
      }
    }
    return { head: { name, datatype, shape: [values.length], parameters: { binary_data_size: bytes.length } }, bytes };
  });
  const head = new TextEncoder().encode(JSON.stringify({ inputs: tensors.map(({ head }) => head), ...more }));
  const raw = Uint8Array.from([...head, ...tensors.flatMap(({ bytes }) => bytes)]);
  return { raw, headers: { "inference-header-content-length": String(head.length), "content-type": "application/octet-stream" } };
}

const COLUMNS = NAMES.map((name) => [name, ROW[name][0], [VALUES[name]]]);

/// Each with a sentence for its name.
export const CASES = {
  async "the server says what it is"(ask) {
    for (const path of ["/v2", "/v2/"]) {
      const answer = await ask("GET", path);
      assert.equal(answer.status, 200);
      const { name, version, extensions } = json(answer);
      assert.equal(name, "millrace");
      assert.match(version, /^\d+\.\d+\.\d+/);
      assert.deepEqual(extensions, ["model_repository", "statistics", "binary_tensor_data", "parameters"]);
    }
  },

  async "health is told to everyone"(ask) {
    assert.deepEqual(json(await ask("GET", "/v2/health/live")), { live: true });
    const ready = await ask("GET", "/v2/health/ready");
    assert.equal(ready.status, 200);
    assert.deepEqual(json(ready), { ready: true });
  },

  async "models are listed and describe themselves"(ask) {
    assert.deepEqual(json(await ask("GET", "/v2/models")), { models: ["churn"] });
    const model = json(await ask("GET", "/v2/models/churn"));
    assert.equal(model.name, "churn");
    assert.deepEqual(model.versions, ["1", "2"]);
    assert.equal(typeof model.platform, "string");
    assert.deepEqual(model.inputs.map(({ name }) => name).sort(), [...NAMES].sort());
    for (const { name, datatype, shape } of model.inputs) {
      assert.equal(datatype, ROW[name][0], name);
      assert.deepEqual(shape, [-1]);
    }
    assert.deepEqual(
      model.outputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
      [["prediction", "BYTES", [-1]], ["probabilities", "FP64", [-1, 2]]],
    );
    assert.deepEqual(JSON.parse(model.properties.classes), CLASSES);
    assert.equal(json(await ask("GET", "/v2/models/churn/versions/2")).name, "churn");
  },

  async "a model says whether it is ready"(ask) {
    for (const path of ["", "/versions/1", "/versions/challenger", "/versions/blue"]) {
      const answer = await ask("GET", `/v2/models/churn${path}/ready`);
      assert.equal(answer.status, 200, path);
      assert.deepEqual(json(answer), { name: "churn", ready: true });
    }
  },

  async "the repository's index takes an empty body"(ask) {
    for (const content of ["", "{}", '{"ready": true}']) {
      const index = json(await post(ask, "/v2/repository/index", content));
      assert.deepEqual(index.map(({ name, version, state }) => [name, version, state]), [
        ["churn", "1", "READY"],
        ["churn", "2", "READY"],
      ]);
    }
  },

  async "a model's description has a request that is answered"(ask) {
    const docs = json(await ask("GET", "/v2/models/churn/docs/dataplane.json"));
    assert.equal(docs.openapi, "3.1.0");
    const operation = docs.paths["/v2/models/churn/infer"].post;
    const sample = operation.requestBody.content["application/json"].example;
    assert.equal(sample.inputs.length, NAMES.length);
    assert.equal((await predicted(ask, sample)).outputs.length, 2);
    assert.equal(json(await ask("GET", "/v2/docs")).openapi, "3.1.0");
  },

  async "rows are predicted"(ask) {
    const answer = await predicted(ask, { id: "mine", ...body({}, { age: 20, contract: "Month-to-month" }) });
    assert.deepEqual([answer.model_name, answer.model_version, answer.id], ["churn", "1", "mine"]);
    const [prediction, probabilities] = [output(answer, "prediction"), output(answer, "probabilities")];
    assert.deepEqual([prediction.datatype, prediction.shape], ["BYTES", [2]]);
    assert.deepEqual([probabilities.datatype, probabilities.shape], ["FP64", [2, 2]]);
    for (const row of [0, 1]) {
      const [no, yes] = probabilities.data.slice(2 * row);
      assert.ok(Math.abs(no + yes - 1) < 1e-12);
      assert.equal(prediction.data[row], CLASSES[yes > no ? 1 : 0]);
    }
    assert.notEqual(probabilities.data[1], probabilities.data[3]);
  },

  async "an id is made up if none is given"(ask) {
    const answer = await post(ask, INFER, body());
    assert.ok(json(answer).id.length > 0);
    assert.equal(answer.headers["x-request-id"], json(answer).id);
    const named = await post(ask, INFER, body(), { "x-request-id": "abc" });
    assert.equal(named.headers["x-request-id"], "abc");
  },

  async "a row is predicted alike alone and among others"(ask) {
    const [alone, among] = [await predicted(ask, body()), await predicted(ask, body({ age: 70 }, {}, { age: 18 }))];
    assert.deepEqual(output(among, "probabilities").data.slice(2, 4), output(alone, "probabilities").data);
  },

  async "no rows give no predictions"(ask) {
    const columns = inputs({}).map((column) => ({ ...column, shape: [0], data: [] }));
    assert.deepEqual(output(await predicted(ask, { inputs: columns }), "prediction").data, []);
  },

  async "columns may be nested and come in any order"(ask) {
    const columns = inputs({}, { age: 30 }).reverse().map((column) => ({ ...column, shape: [2, 1], data: column.data.map((value) => [value]) }));
    assert.deepEqual((await predicted(ask, { inputs: columns })).outputs, (await predicted(ask, body({}, { age: 30 }))).outputs);
  },

  async "versions, aliases and deployments may be named"(ask) {
    for (const [path, headers, version] of [
      ["/v2/models/churn/versions/1/infer", {}, "1"],
      ["/v2/models/churn/versions/2/infer", {}, "2"],
      ["/v2/models/churn/versions/challenger/infer", {}, "2"],
      ["/v2/models/churn/versions/green/infer", {}, "2"],
      [INFER, { "azureml-model-deployment": "green" }, "2"],
      [INFER, { "x-millrace-deployment": "blue" }, "1"],
    ]) {
      assert.equal((await predicted(ask, body(), path, headers)).model_version, version, path);
    }
  },

  async "outputs are chosen and ordered"(ask) {
    const chosen = await predicted(ask, { ...body(), outputs: [{ name: "probabilities" }, { name: "prediction" }] });
    assert.deepEqual(chosen.outputs.map(({ name }) => name), ["probabilities", "prediction"]);
    assert.deepEqual((await predicted(ask, { ...body(), outputs: [{ name: "prediction" }] })).outputs.length, 1);
    const refusal = await refused(ask, { ...body(), outputs: [{ name: "logits" }] }, 400, "request.invalid_json");
    assert.match(refusal.error, /no output "logits".*"prediction", "probabilities"/);
  },

  async "a gap is filled where training had some"(ask) {
    const answer = await predicted(ask, { inputs: inputs({ missing: { age: true, region: true, total_charges: true } }) });
    assert.equal(output(answer, "prediction").data.length, 1);
    // Python's clients write a missing number so.
    const bare = JSON.stringify(body({ total_charges: 12345.5 })).replace("12345.5", "NaN");
    assert.deepEqual(
      output(await predicted(ask, bare), "probabilities").data,
      output(await predicted(ask, { inputs: inputs({ missing: { total_charges: true } }) }), "probabilities").data,
    );
  },

  async "a gap where training had none is refused with its place"(ask) {
    const refusal = await refused(ask, { inputs: inputs({}, { missing: { support_calls: true } }) }, 400, "schema.null_not_allowed");
    assert.deepEqual([refusal.details[0].column, refusal.details[0].row], ["support_calls", 2]);
  },

  async "a missing column is named"(ask) {
    const refusal = await refused(ask, { inputs: inputs({ age: null, contract: null }) }, 400, "schema.missing_column");
    assert.deepEqual(refusal.details.map(({ column }) => column).sort(), ["age", "contract"]);
  },

  async "a value of another kind is refused with column, row, expected and got"(ask) {
    for (const [name, value, got] of [
      ["age", "forty", '"forty"'],
      ["age", 3.5, "3.5"],
      ["monthly_charges", true, "true"],
      ["paperless", 1, "1"],
      ["contract", 1.5, "1.5"],
    ]) {
      const refusal = await refused(ask, body({}, {}, { [name]: value }), 400, "schema.type_mismatch");
      const [{ column, row, expected, got: found }] = refusal.details;
      assert.deepEqual([column, row, found], [name, 3, got]);
      assert.ok(expected.length > 0);
      assert.ok(refusal.error.includes(`column "${name}" row 3`), refusal.error);
    }
  },

  async "all mismatches are told at once"(ask) {
    const refusal = await refused(ask, { inputs: inputs({ age: "x", paperless: "y", contract: null }) }, 400, "schema.type_mismatch");
    assert.equal(refusal.details.length, 3);
  },

  async "whole numbers may come as numbers, and numbers as whole ones"(ask) {
    const exact = await predicted(ask, body({ age: 44, monthly_charges: 55 }));
    const floats = JSON.stringify(body({ age: 44, monthly_charges: 55 })).replace(":[44]", ":[44.0]");
    assert.deepEqual((await predicted(ask, floats)).outputs, exact.outputs);
  },

  async "a number beyond 64 bits is no whole number"(ask) {
    const huge = JSON.stringify(body({ age: 4444 })).replace("4444", "9223372036854775808");
    const refusal = await refused(ask, huge, 400, "schema.type_mismatch");
    assert.equal(refusal.details[0].column, "age");
  },

  async "what is only odd is answered with a warning, unless strictness is asked for"(ask) {
    const odd = { inputs: [...inputs({ age: 400, region: "Moon" }), { name: "colour", shape: [1], datatype: "BYTES", data: ["red"] }] };
    const { parameters } = await predicted(ask, odd);
    for (const code of ["schema.out_of_range", "schema.unknown_category", "schema.unexpected_column"]) {
      assert.ok(parameters.warnings.includes(code), parameters.warnings);
    }
    const refusal = await refused(ask, { ...odd, parameters: { strict: true } }, 400, "schema.out_of_range");
    assert.equal(refusal.details.length, 3);
  },

  async "the column that is predicted may come along"(ask) {
    const answer = await predicted(ask, { inputs: [...inputs({}), { name: "churned", shape: [1], datatype: "BYTES", data: ["no"] }] });
    assert.equal(answer.parameters, undefined);
  },

  async "shapes must fit"(ask) {
    const changed = (change) => ({ inputs: inputs({}).map((column, at) => (at === 0 ? { ...column, ...change } : column)) });
    for (const change of [{ shape: [2] }, { shape: [] }, { data: [1, 2] }, { shape: [2], data: [1, 2] }, { shape: [1, 2], data: [1, 2] }]) {
      await refused(ask, changed(change), 400, "schema.shape_mismatch");
    }
    await refused(ask, { inputs: [...inputs({}), inputs({})[0]] }, 400, "schema.shape_mismatch");
  },

  async "a body that is no request says what is wrong with it"(ask) {
    for (const content of ["", "{", "[]", "null", "{}", '{"inputs": 3}', '{"inputs": [3]}', '{"inputs": [{"name": "age"}]}', "[".repeat(5_000), '{"inputs": []'.concat("\u0000")]) {
      await refused(ask, content, 400, "request.invalid_json");
    }
    for (const change of [{ datatype: "INT65" }, { shape: "x" }, { shape: [-1] }, { name: 3 }, { data: undefined }, { data: [{}] }]) {
      const columns = inputs({}).map((column, at) => (at === 0 ? { ...column, ...change } : column));
      await refused(ask, { inputs: columns }, 400, "request.invalid_json");
    }
  },

  async "a body that was cut off is refused wherever it was cut"(ask) {
    const whole = JSON.stringify(body());
    for (let end = 0; end < whole.length; end += 37) {
      await refused(ask, whole.slice(0, end), 400, "request.invalid_json");
    }
  },

  async "columns may come as bytes, and leave as bytes"(ask) {
    const expected = (await predicted(ask, body())).outputs;
    const { raw, headers } = binary(COLUMNS);
    assert.deepEqual((await predicted(ask, raw, INFER, headers)).outputs, expected);
    const asked = binary(COLUMNS, { parameters: { binary_data_output: true } });
    const answer = await post(ask, INFER, asked.raw, asked.headers);
    assert.equal(answer.status, 200, text(answer));
    const nHead = Number(answer.headers["inference-header-content-length"]);
    const head = JSON.parse(new TextDecoder().decode(answer.bytes.slice(0, nHead)));
    const tail = answer.bytes.slice(nHead);
    const label = expected[0].data[0];
    assert.deepEqual(head.outputs.map(({ parameters }) => parameters.binary_data_size), [4 + label.length, 16]);
    assert.equal(new TextDecoder().decode(tail.slice(4, 4 + label.length)), label);
    const numbers = new Float64Array(tail.slice(4 + label.length).buffer);
    assert.deepEqual([...numbers], expected[1].data);
  },

  async "narrower types are widened"(ask) {
    const narrow = COLUMNS.map(([name, datatype, values]) => [name, { INT64: "INT32", FP64: "FP32" }[datatype] ?? datatype, values]);
    const { raw, headers } = binary(narrow);
    // The two numbers have an exact form of 32 bits.
    assert.deepEqual((await predicted(ask, raw, INFER, headers)).outputs, (await predicted(ask, body())).outputs);
  },

  async "bytes that do not fit are refused"(ask) {
    const { raw, headers } = binary(COLUMNS);
    for (const nCut of [1, 8, 20]) {
      await refused(ask, raw.slice(0, -nCut), 400, "schema.shape_mismatch", INFER, headers);
    }
    await refused(ask, Uint8Array.from([...raw, 0]), 400, "request.invalid_json", INFER, headers);
    await refused(ask, raw, 400, "request.invalid_json", INFER, { ...headers, "inference-header-content-length": "999999" });
  },

  async "MLflow's words are understood"(ask) {
    const path = "/v2/models/churn/invocations";
    const expected = { predictions: output(await predicted(ask, body()), "prediction").data };
    for (const content of [
      { dataframe_split: { columns: NAMES, data: [Object.values(VALUES)] } },
      { dataframe_records: [VALUES] },
      { instances: [VALUES] },
      { inputs: Object.fromEntries(NAMES.map((name) => [name, [VALUES[name]]])) },
    ]) {
      assert.deepEqual(await predicted(ask, content, path), expected);
    }
    const csv = `${NAMES.join(",")}\n${Object.values(VALUES).join(",")}\n`;
    assert.deepEqual(await predicted(ask, csv, path, { "content-type": "text/csv" }), expected);
    await refused(ask, { inputs: {}, instances: [] }, 400, "request.invalid_json", path);
    await refused(ask, { dataframe_split: { columns: NAMES, data: [[1]] } }, 400, "schema.shape_mismatch", path);
    await refused(ask, "<a/>", 415, "request.unsupported_media", path, { "content-type": "application/xml" });
  },

  async "Azure's words are understood"(ask) {
    const expected = output(await predicted(ask, body()), "prediction").data;
    assert.deepEqual(await predicted(ask, { data: [VALUES] }, "/v2/models/churn/score"), expected);
    assert.deepEqual(await predicted(ask, { input_data: { columns: NAMES, data: [Object.values(VALUES)] } }, "/v2/models/churn/score"), expected);
  },

  async "content types are told apart"(ask) {
    await refused(ask, "<a/>", 415, "request.unsupported_media", INFER, { "content-type": "text/xml" });
    for (const type of ["application/json; charset=utf-8", "application/vnd.api+json"]) {
      await predicted(ask, body(), INFER, { "content-type": type });
    }
  },

  async "what is not there is not found"(ask) {
    await refused(ask, body(), 404, "model.not_found", "/v2/models/iris/infer");
    await refused(ask, body(), 404, "model.not_found", "/v2/models/churn/versions/9/infer");
    await refused(ask, body(), 404, "model.not_found", INFER, { "x-millrace-deployment": "red" });
    await refused(ask, body(), 404, "request.not_found", "/v2/models/churn/dance");
    const answer = await ask("GET", INFER);
    assert.deepEqual([answer.status, json(answer).code], [405, "request.method_not_allowed"]);
  },

  async "a body that is too large is refused"(ask) {
    await refused(ask, `{"id": "${"x".repeat(8 << 20)}"}`, 413, "request.too_large");
  },

  async "an endpoint is stopped and started"(ask) {
    assert.equal((await post(ask, "/v2/repository/models/churn/unload", "{}")).status, 200);
    await refused(ask, body(), 503, "model.not_ready");
    assert.equal((await ask("GET", "/v2/models/churn/ready")).status, 503);
    assert.deepEqual(json(await post(ask, "/v2/repository/index", '{"ready": true}')), []);
    assert.equal((await post(ask, "/v2/repository/models/churn/load", "")).status, 200);
    await predicted(ask, body());
  },

  async "what was asked is counted"(ask) {
    const stats = async () => {
      const { model_stats } = json(await ask("GET", "/v2/models/churn/versions/1/stats"));
      assert.equal(model_stats.length, 1);
      return model_stats[0];
    };
    const before = await stats();
    await predicted(ask, body({}, {}, {}));
    await refused(ask, body({ age: "x" }), 400, "schema.type_mismatch");
    const after = await stats();
    assert.deepEqual([after.name, after.version], ["churn", "1"]);
    assert.equal(after.inference_count - before.inference_count, 3);
    assert.equal(after.execution_count - before.execution_count, 1);
    assert.equal(after.inference_stats.fail.count - before.inference_stats.fail.count, 1);
    assert.ok(after.inference_stats.success.ns > before.inference_stats.success.ns);
    assert.equal(json(await ask("GET", "/v2/models/stats")).model_stats.some(({ version }) => version === "2"), true);
  },

  async "what may be got also has a head"(ask) {
    for (const path of ["/v2", "/v2/health/live", "/v2/models/churn"]) {
      const answer = await ask("HEAD", path);
      assert.deepEqual([answer.status, answer.bytes.length], [200, 0], path);
    }
    for (const [method, path] of [["DELETE", "/v2/models/churn"], ["PUT", INFER], ["POST", "/v2/health/live"], ["GET", "/v2/repository/index"]]) {
      const answer = await ask(method, path);
      assert.deepEqual([answer.status, json(answer).code], [405, "request.method_not_allowed"], `${method} ${path}`);
    }
  },

  async "every type of number holds a whole one"(ask) {
    const expected = (await predicted(ask, body())).outputs;
    for (const datatype of ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64"]) {
      const columns = inputs({}).map((column) => (column.name === "age" ? { ...column, datatype } : column));
      assert.deepEqual((await predicted(ask, { inputs: columns })).outputs, expected, datatype);
    }
  },

  async "what is not finite is a gap or is refused"(ask) {
    const sent = (text) => JSON.stringify(body({ support_calls: 4444 })).replace("4444", text);
    await refused(ask, sent("NaN"), 400, "schema.null_not_allowed");
    for (const text of ["Infinity", "-Infinity"]) {
      const refusal = await refused(ask, sent(text), 400, "schema.type_mismatch");
      assert.equal(refusal.details[0].column, "support_calls");
    }
  },

  async "at most twenty mismatches are listed, and each names what was expected"(ask) {
    const columns = NAMES.flatMap((name) => [{ name, shape: [2], datatype: "BYTES", data: ["?", null] }]);
    const answer = await post(ask, INFER, { inputs: columns });
    assert.equal(answer.status, 400);
    const refusal = json(answer);
    assert.ok(refusal.details.length > 5 && refusal.details.length <= 20, String(refusal.details.length));
    for (const { code, column, expected, got } of refusal.details) {
      assert.match(code, /^schema\./);
      assert.ok(NAMES.includes(column) && expected && got);
    }
  },

  async "whoever sends a trace is told its span"(ask) {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    for (const [content, status] of [[body(), 200], ["{", 400]]) {
      const answer = await post(ask, INFER, content, headers);
      assert.equal(answer.status, status);
      assert.match(answer.headers.traceparent, new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    }
    const answer = await post(ask, INFER, body(), { traceparent: "nonsense" });
    assert.deepEqual([answer.status, answer.headers.traceparent], [200, undefined]);
  },

  async "a refusal bears the name of its request"(ask) {
    for (const [path, content] of [[INFER, "{"], ["/v2/models/churn/versions/9/infer", "{}"]]) {
      const answer = await post(ask, path, content, { "x-request-id": "mine" });
      assert.equal(answer.headers["x-request-id"], "mine");
    }
  },

  async "what turned out to be true is told once"(ask) {
    const feedback = "/v2/models/churn/feedback";
    const label = output(await predicted(ask, body(), INFER, { "x-request-id": "judged" }), "prediction").data[0];
    const told = await predicted(ask, { id: "judged", label }, feedback);
    assert.deepEqual([told.id, told.n_labels, told.figures.accuracy], ["judged", 1, 1]);
    await refused(ask, { id: "judged", label }, 404, "feedback.not_found", feedback);
    await refused(ask, { id: "nobody", label }, 404, "feedback.not_found", feedback);
    await refused(ask, "{", 400, "request.invalid_json", feedback);
    const [report] = json(await ask("GET", "/v2/monitor/performance"));
    assert.deepEqual([report.served.deployment, report.total.n_labels], ["blue", 1]);
  },

  async "the past is told by topic"(ask) {
    await post(ask, INFER, body({ age: "old" }), { "x-request-id": "of-the-past" });
    const of = async (topic) => json(await ask("GET", `/v2/monitor/${topic}`));
    const request = (await of("requests")).findLast(({ id }) => id === "of-the-past");
    assert.deepEqual([request.status, request.served.version], [400, 1]);
    assert.ok(Math.abs(Date.now() - request.at_ms) < 60_000);
    const exception = (await of("exceptions")).findLast(({ request_id: id }) => id === "of-the-past");
    assert.deepEqual([exception.exception, exception.column, exception.row], ["schema.type_mismatch", "age", 0]);
    const minutes = await of("minutes");
    assert.ok(minutes.some(({ key, counts }) => key.served.deployment === "blue" && counts.exceptions?.["schema.type_mismatch"] > 0));
    assert.ok((await of("events")).some(({ change }) => change.type === "traffic_set"));
    const later = await ask("GET", `/v2/monitor/requests?since=${Date.now() + 60_000}`);
    assert.deepEqual(json(later), []);
    for (const [method, path, status] of [["GET", "nothing", 404], ["POST", "minutes", 405], ["GET", "minutes?since=now", 400]]) {
      assert.equal((await ask(method, `/v2/monitor/${path}`)).status, status, path);
    }
  },

  async "the registry changes as a whole or not at all"(ask) {
    const state = async () => json(await ask("GET", "/v2/registry"));
    const before = await state();
    assert.deepEqual(before.endpoints.churn.traffic, { blue: 100 });
    const change = (...changes) => post(ask, "/v2/registry/changes", { who: "ada", changes });
    const tag = { type: "tag_set", model: "churn", version: 1, key: "team", value: "risk" };
    for (const wrong of [
      { type: "traffic_set", endpoint: "churn", traffic: { blue: 90 } },
      { type: "traffic_set", endpoint: "churn", traffic: { red: 100 } },
      { type: "archived", model: "churn", version: 1 },
      { type: "mirror_set", endpoint: "churn", mirror: { deployment: "blue", percent: 10 } },
    ]) {
      const answer = await change(tag, wrong);
      assert.deepEqual([answer.status, json(answer).code], [409, "registry.conflict"], text(answer));
    }
    assert.deepEqual(await state(), before);
    assert.equal((await change({ type: "dance" })).status, 400);
    assert.deepEqual(json(await change(tag)).models.churn.versions[0].tags, { team: "risk" });
    assert.deepEqual(json(await change({ ...tag, value: null })).models.churn.versions[0].tags, {});
    const hash = before.models.churn.versions[0].package;
    const header = await ask("GET", `/v2/registry/packages/${hash}`, { headers: { accept: "application/json" } });
    assert.deepEqual(json(header).signature.inputs.map(({ name }) => name).sort(), [...NAMES].sort());
    assert.equal(new TextDecoder().decode((await ask("GET", `/v2/registry/packages/${hash}`)).bytes.slice(0, 8)), "MILLRACE");
    await refused(ask, "no package", 400, "request.invalid", "/v2/registry/models/churn");
  },

  async "traffic is shared, and the same name goes the same way"(ask) {
    const share = (traffic) => post(ask, "/v2/registry/changes", { changes: [{ type: "traffic_set", endpoint: "churn", traffic }] });
    assert.equal((await share({ blue: 60, green: 40 })).status, 200);
    const versions = {};
    for (let at = 0; at < 100; at++) {
      versions[at] = (await predicted(ask, body(), INFER, { "x-request-id": `shared-${at}` })).model_version;
    }
    const nGreen = Object.values(versions).filter((version) => version === "2").length;
    // Names are fixed, so this is the same everywhere; of 100 at 40 % there are 40, give or take 5 by one deviation.
    assert.ok(nGreen > 25 && nGreen < 55, String(nGreen));
    for (const at of [0, 1, 2, 3]) {
      assert.equal((await predicted(ask, body(), INFER, { "x-request-id": `shared-${at}` })).model_version, versions[at]);
    }
    assert.equal((await share({ blue: 0, green: 0 })).status, 200);
    await refused(ask, body(), 404, "model.not_found");
    assert.equal((await share({ blue: 100 })).status, 200);
  },

  async "a mirror sees copies, and nobody sees its answers"(ask) {
    const mirror = (percent) => post(ask, "/v2/registry/changes", { changes: [{ type: "mirror_set", endpoint: "churn", mirror: percent ? { deployment: "green", percent } : null }] });
    assert.equal((await mirror(50)).status, 200);
    for (let at = 0; at < 40; at++) {
      assert.equal((await predicted(ask, body(), INFER, { "x-request-id": `copied-${at}` })).model_version, "1");
    }
    let found;
    for (let waits = 0; waits < 100 && !found; waits++) {
      found = json(await ask("GET", "/v2/monitor/disagreements")).find(({ live, mirror }) => live === "blue" && mirror === "green");
    }
    assert.ok(found?.counts.n_requests > 0);
    // The two were trained with other penalties.
    assert.ok(found.counts.max_difference > 0);
    assert.equal((await mirror(0)).status, 200);
  },

  async "an alert fires when its minute is bad"(ask) {
    const set = (rule) => post(ask, "/v2/registry/changes", { changes: [{ type: "alert_set", alert: "bad", rule: { name: "bad", filter: { endpoint: "churn", deployment: null, version: null }, comparison: "above", threshold: 0.001, for_minutes: 1, severity: "warning", ...rule } }] });
    const standing = async () => json(await ask("GET", "/v2/monitor/alerts"))[0];
    assert.equal((await set({ metric: "failure_rate", threshold: 2 })).status, 200);
    assert.equal((await standing()).state.type, "inactive");
    assert.equal((await set({ metric: "failure_rate" })).status, 200);
    await post(ask, INFER, "{");
    assert.equal((await standing()).state.type, "firing");
    for (const rule of [{ metric: "luck" }, { metric: "data_drift", comparison: "below" }, { metric: "p95", column: "age" }]) {
      assert.equal((await set(rule)).status, 400, JSON.stringify(rule));
    }
    // Rows of the last hour that are nothing like those of training: everybody is 90.
    assert.equal((await set({ metric: "data_drift", column: "age", threshold: 0.25 })).status, 200);
    await predicted(ask, body(...Array(400).fill({ age: 90 })));
    const drifted = await standing();
    assert.equal(drifted.state.type, "firing", JSON.stringify(drifted));
    assert.ok(drifted.value > 0.25);
    assert.equal((await set({ metric: "prediction_drift", threshold: 1e9 })).status, 200);
    assert.equal((await standing()).state.type, "inactive");
    const gone = await post(ask, "/v2/registry/changes", { changes: [{ type: "alert_removed", alert: "bad" }] });
    assert.equal(gone.status, 200);
    assert.deepEqual(json(await ask("GET", "/v2/monitor/alerts")), []);
  },

  async "counters are for scrapers, and made-up names make none"(ask) {
    await refused(ask, body(), 404, "model.not_found", "/v2/models/made-up-name/infer");
    const plain = await ask("GET", "/metrics");
    assert.match(plain.headers["content-type"], /^text\/plain; version=0\.0\.4/);
    assert.ok(!text(plain).includes("made-up-name"));
    const exceptions = text(plain).split("\n").filter((line) => /^millrace_exceptions_total\{.*model_version="1".*traffic="live"/.test(line));
    assert.equal(new Set(exceptions.map((line) => /exception_type="([^"]+)"/.exec(line)[1])).size, 19);
    const durations = text(plain).split("\n").filter((line) => line.startsWith("http_server_request_duration_seconds_count{"));
    assert.ok(durations.length > 0 && durations.every((line) => line.includes('http_route="/v2/models/{model_name}/infer"')));
    const open = await ask("GET", "/metrics", { headers: { accept: "application/openmetrics-text" } });
    assert.match(open.headers["content-type"], /^application\/openmetrics-text/);
    assert.ok(text(open).endsWith("# EOF\n"));
  },

  async "bodies that are no requests do not bring it down"(ask) {
    const whole = JSON.stringify(body());
    const bodies = {
      "cut off": whole.slice(0, -20),
      "not JSON": "\u0000\u0001\u0002",
      "no UTF-8": Uint8Array.from([0x7b, 0xff, 0xfe, 0x7d]),
      "deeply nested": "[".repeat(100_000) + "]".repeat(100_000),
      "deeply nested within": whole.replace("[44]", `${"[".repeat(50_000)}44${"]".repeat(50_000)}`),
      "2^63": whole.replace("[44]", "[9223372036854775808]"),
      "1e999": whole.replace("[44]", "[1e999]"),
      "wrong types": whole.replaceAll(/"data":\[[^\]]*\]/g, '"data":[{}]'),
      "a shape of 2^64": whole.replace('"shape":[1]', '"shape":[18446744073709551616]'),
      "a shape that overflows": whole.replace('"shape":[1]', '"shape":[4294967296,4294967296]'),
      "too large": " ".repeat((8 << 20) + 1),
    };
    for (const [name, content] of Object.entries(bodies)) {
      const answer = await post(ask, INFER, content);
      assert.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.status}`);
      assert.ok(json(answer).error && json(answer).code, name);
    }
    // From a seed, so that what fails can be found again: bytes of a good request changed, left out and doubled.
    let state = 1;
    const below = (n) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    for (let at = 0; at < 200; at++) {
      const bytes = [...new TextEncoder().encode(whole)];
      for (let changes = 1 + below(4); changes > 0; changes--) {
        const place = below(bytes.length);
        const spliced = [[below(256)], [], [bytes[place], bytes[place]]][below(3)];
        bytes.splice(place, 1, ...spliced);
      }
      const answer = await post(ask, INFER, Uint8Array.from(bytes));
      assert.ok(answer.status === 200 || (answer.status >= 400 && answer.status < 500), `body ${at}: ${answer.status} ${text(answer)}`);
    }
    await predicted(ask, body());
  },
};

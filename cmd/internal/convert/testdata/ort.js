// Runs models in ONNX Runtime: node ort.js FOLDER <jobs.json >results.json,
// where FOLDER has node_modules. See ort_test.go for what both are.
'use strict';
const { createRequire } = require('module');
const path = require('path');
const ort = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'))('onnxruntime-node');

const views = {
  float32: Float32Array, int64: BigInt64Array, bool: Uint8Array,
};

function tensorOf({ type, dims, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64')); // aligned, at the beginning of its buffer
  return new ort.Tensor(type, new views[type](bytes.buffer), dims);
}

function valueOf(tensor) {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return { type: tensor.type, dims: tensor.dims, data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
}

async function run(job) {
  const session = await ort.InferenceSession.create(job.model, {
    graphOptimizationLevel: job.level, intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential',
    executionProviders: ['cpu'], logSeverityLevel: 3, extra: { session: job.session },
    ...(job.saved ? { optimizedModelFilePath: job.saved } : {}),
  });
  const steps = [];
  let carried = {};
  for (const feeds of job.steps) {
    const inputs = { ...carried };
    for (const [name, value] of Object.entries(feeds)) {
      if (!(name in inputs)) inputs[name] = tensorOf(value);
    }
    const outputs = await session.run(inputs);
    const step = {};
    carried = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      if (name in job.carry) {
        carried[job.carry[name]] = tensor;
      }
      step[name] = valueOf(tensor);
    }
    steps.push(step);
  }
  if (job.runs) {
    const inputs = Object.fromEntries(Object.entries(job.steps[0]).map(([name, value]) => [name, tensorOf(value)]));
    let best = Infinity;
    for (let i = 0; i < job.runs; i++) {
      const begin = process.hrtime.bigint();
      await session.run(inputs);
      best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1e6);
    }
    steps.push({ ms: { type: 'float32', dims: [1], data: Buffer.from(new Float32Array([best]).buffer).toString('base64') } });
  }
  await session.release();
  return { steps };
}

(async () => {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const results = [];
  for (const job of JSON.parse(Buffer.concat(chunks).toString())) {
    results.push(await run(job).catch((e) => ({ error: String(e.message || e) })));
  }
  process.stdout.write(JSON.stringify(results));
})();

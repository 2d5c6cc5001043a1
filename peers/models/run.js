// Runs a model and two quantized ones in ONNX Runtime, and prints a row of the table:
//
//     node run.js ORT NAME INPUTS BASE ORIGINAL MODEL MODEL8 MODEL4
//
// ORT is a folder with node_modules/onnxruntime-node. INPUTS are the number of runs, and then
// each input as NAME=KIND:SHAPE, where KIND is audio, image, text, zeros or int, which has a number
// in place of a shape. BASE begins the names of what quant has written. ORIGINAL is another
// file than MODEL if it was quantized, and MODEL was made of it.
'use strict';
const { createRequire } = require('module');
const fs = require('fs');
const path = require('path');

const [folder, name, inputs, base, original, ...models] = process.argv.slice(2);
const ort = createRequire(path.join(path.resolve(folder), 'x.js'))('onnxruntime-node');
const [runs, ...specs] = inputs.split(' ');

/** random makes the same numbers between 0 and 1 in each run of this program. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const makers = {
  // A voice of three formants, with noise.
  audio(n, next) {
    const pitch = 90 + 120 * next();
    const formants = [300 + 500 * next(), 900 + 1200 * next(), 2600];
    return Float32Array.from({ length: n }, (_, i) => {
      const phase = ((i * pitch) / 16000) % 1;
      const sum = formants.reduce((s, f, k) => s + (Math.exp(-6 * phase) * Math.sin((2 * Math.PI * f * i) / 16000)) / (k + 1), 0);
      return 0.2 * sum + 0.01 * (next() - 0.5);
    });
  },
  // Steps and noise, around 0.
  image(n, next) {
    let level = 0;
    return Float32Array.from({ length: n }, (_, i) => {
      if (i % 17 === 0) level = 2 * next() - 1;
      return level + 0.2 * (next() - 0.5);
    });
  },
  // Lines of dark strokes on light ground, in three colours that are one.
  text(n, next, [, , height, width]) {
    const ink = new Float32Array(height * width);
    for (let line = 24; line + 20 < height; line += 44) {
      for (let at = 16; at + 12 < width - 16; at += 9 + Math.floor(6 * next())) {
        const top = Math.floor(8 * next()), bar = Math.floor(20 * next());
        for (let y = top; y < 20; y++) for (let x = 0; x < 3; x++) ink[(line + y) * width + at + x] = 1;
        for (let x = 0; x < 8; x++) for (let y = 0; y < 3; y++) ink[(line + Math.min(bar + y, 19)) * width + at + x] = 1;
      }
    }
    return Float32Array.from({ length: n }, (_, i) => 2.2 - 4 * ink[i % ink.length] + 0.05 * (next() - 0.5));
  },
  zeros: (n) => new Float32Array(n),
};

function feedsOf(run) {
  const next = random(run + 1);
  const feeds = {};
  for (const spec of specs) {
    const at = spec.lastIndexOf('=');
    const [kind, shape] = spec.slice(at + 1).split(':');
    if (kind === 'int') {
      feeds[spec.slice(0, at)] = new ort.Tensor('int64', BigInt64Array.of(BigInt(shape)), []);
      continue;
    }
    const dims = shape.split('x').map(Number);
    feeds[spec.slice(0, at)] = new ort.Tensor('float32', makers[kind](dims.reduce((a, b) => a * b), next, dims), dims);
  }
  return feeds;
}

/** outputsOf runs a model, and returns its first output of each run. */
async function outputsOf(model) {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  const all = [];
  for (let run = 0; run < Number(runs); run++) {
    const outputs = await session.run(feedsOf(run), [session.outputNames[0]]);
    all.push(outputs[session.outputNames[0]].data);
  }
  await session.release();
  return all;
}

function sqnr(got, want) {
  let signal = 0, noise = 0;
  want.forEach((values, run) => values.forEach((x, i) => {
    signal += x * x;
    noise += (got[run][i] - x) ** 2;
  }));
  return 10 * Math.log10(signal / noise);
}

(async () => {
  const [float, ...others] = models;
  const want = await outputsOf(float);
  const db = (got) => `${sqnr(got, want).toFixed(1)} dB`;
  const cells = [];
  for (const [i, model] of others.entries()) {
    const { total, weights } = JSON.parse(fs.readFileSync(`${base}.${[8, 4][i]}.json`));
    if (i === 0) cells.push(weights.length, total.bytes_before.toLocaleString('en'));
    cells.push(total.bytes_after.toLocaleString('en'), db(await outputsOf(model)));
  }
  let note = '';
  if (original !== float) note = ` (${db(await outputsOf(original))} before)`;
  console.log(`| ${name}${note} | ${cells.join(' | ')} |`);
})().catch((e) => {
  console.error(`${name}: ${e.message}`);
  process.exit(1);
});

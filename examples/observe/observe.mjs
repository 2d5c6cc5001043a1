// Runs a model of quant observe in ONNX Runtime, and saves the activations of each batch:
//
//     npm install onnxruntime-node
//     node observe.mjs observed.onnx batches.mjs activations
//
// batches.mjs exports the batches; see batches.mjs beside this file. Each batch becomes
// a file activations/000000.npz, 000001.npz and so on, with the float32 inputs and
// outputs of the model under their names. It takes Node.js 20.15 or later.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The package is looked for from the working directory on.
const ort = createRequire(path.resolve('package.json'))('onnxruntime-node');

// npy returns an array of float32 in the format of NumPy's .npy files.
function npy({ data, dims }) {
  const shape = dims.map((n) => `${n},`).join(' ');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const head = Buffer.from(text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n', 'latin1');
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length & 255, head.length >> 8]);
  return Buffer.concat([magic, head, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

// writeNPZ writes a zip archive, without compression, of a .npy file for each tensor.
function writeNPZ(file, tensors) {
  const out = fs.openSync(file, 'wx'); // a file that exists stays
  const directory = [];
  let at = 0;
  const put = (bytes) => { fs.writeSync(out, bytes); at += bytes.length; };
  for (const [name, tensor] of Object.entries(tensors)) {
    const content = npy(tensor);
    const member = Buffer.from(`${name}.npy`);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4); // version of the format
    head.writeUInt16LE(0x800, 6); // names are UTF-8
    head.writeUInt16LE(0x21, 12); // the date, 1980-01-01
    head.writeUInt32LE(zlib.crc32(content), 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt32LE(content.length, 22);
    head.writeUInt16LE(member.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    head.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(at, 42); // throws beyond 4 GiB: make batches smaller
    directory.push(entry, member);
    put(head);
    put(member);
    put(content);
  }
  const start = at;
  directory.forEach(put);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length / 2, 8);
  end.writeUInt16LE(directory.length / 2, 10);
  end.writeUInt32LE(at - start, 12);
  end.writeUInt32LE(start, 16);
  put(end);
  fs.closeSync(out);
}

const [model, source, folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node observe.mjs OBSERVED.onnx BATCHES.mjs FOLDER');
  process.exit(2);
}
fs.mkdirSync(folder, { recursive: true });
const session = await ort.InferenceSession.create(model);
const batches = (await import(pathToFileURL(path.resolve(source)))).default();
let count = 0;
let outputs;
for (;;) {
  // The generator gets the outputs of the batch before, which some models take again.
  const { value: inputs, done } = await batches.next(outputs);
  if (done) break;
  for (const name in inputs) {
    const { type = 'float32', data, dims } = inputs[name];
    inputs[name] = new ort.Tensor(type, data, dims);
  }
  outputs = await session.run(inputs);
  const floats = Object.entries({ ...inputs, ...outputs }).filter(([, tensor]) => tensor.type === 'float32');
  writeNPZ(path.join(folder, `${String(count++).padStart(6, '0')}.npz`), Object.fromEntries(floats));
}
console.log(`${count} batches in ${folder}`);

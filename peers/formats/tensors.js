// Writes tensors of random values of known distributions: node tensors.js FOLDER. Each is a
// float32 matrix in a .npy file, and the same on every run.
'use strict';
const fs = require('fs');
const path = require('path');

const rows = 512, columns = 1024;

// mulberry returns a generator of uniform numbers in [0, 1).
function mulberry(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const uniform = mulberry(1);
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const distributions = {
  uniform: () => 2 * uniform() - 1,
  normal,
  laplace: () => -Math.log(1 - uniform()) * (uniform() < 0.5 ? -1 : 1),
  student: () => normal() / Math.sqrt((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3), // 3 degrees of freedom
};

for (const [name, draw] of Object.entries(distributions)) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const bytes = Buffer.alloc(10 + length + 4 * rows * columns);
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(length, 8);
  bytes.write(header.padEnd(length - 1) + '\n', 10, 'latin1');
  for (let i = 0; i < rows * columns; i++) {
    bytes.writeFloatLE(draw(), 10 + length + 4 * i);
  }
  fs.writeFileSync(path.join(process.argv[2], `${name}.npy`), bytes);
}

// Puts the models together that a package has in pieces: node pieces.js FOLDER.
'use strict';
const fs = require('fs');
const path = require('path');

const folder = process.argv[2];
const resources = JSON.parse(fs.readFileSync(path.join(folder, 'resources.json')));
for (const [name, { chunks, size }] of Object.entries(resources)) {
  if (!name.startsWith('/models/')) continue;
  const whole = Buffer.concat(chunks.map((c) => fs.readFileSync(path.join(folder, c.hash))));
  if (whole.length !== size) throw new Error(`${name} has ${whole.length} bytes, not ${size}`);
  fs.writeFileSync(path.join(folder, `${path.basename(name)}.onnx`), whole);
}

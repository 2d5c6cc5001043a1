// Yields the inputs of a model, batch by batch: replace this by your own data. What a
// yield returns are the outputs of that batch, for models that take some of them again.
export default async function* batches() {
  for (let batch = 0; batch < 16; batch++) {
    const data = Float32Array.from({ length: 3 * 224 * 224 }, () => Math.random());
    const outputs = yield { x: { data, dims: [1, 3, 224, 224] } };
    if (batch === 0) console.log(Object.keys(outputs).length, 'outputs');
  }
}

"""Runs a model of quant observe in ONNX Runtime, and saves the activations of each batch:

    pip install onnxruntime numpy
    python3 observe.py observed.onnx batches.py activations

batches.py has a function batches(); see batches.py beside this file. Each batch becomes
a file activations/000000.npz, 000001.npz and so on, with the floating-point inputs and
outputs of the model under their names.
"""

import os
import runpy
import sys
import zipfile

import numpy as np
import onnxruntime


def write_npz(path, tensors):
    """Writes tensors by any names: numpy.savez takes them for names of its arguments."""
    with zipfile.ZipFile(path, "x") as z:  # a file that exists stays
        for name, tensor in tensors.items():
            with z.open(name + ".npy", "w", force_zip64=True) as f:
                np.lib.format.write_array(f, np.asanyarray(tensor), allow_pickle=False)


def main(model, source, folder):
    os.makedirs(folder, exist_ok=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    batches = runpy.run_path(source)["batches"]()
    count, outputs = 0, None
    while True:
        try:  # the generator gets the outputs of the batch before
            inputs = batches.send(outputs)
        except StopIteration:
            break
        outputs = dict(zip(names, session.run(None, inputs)))
        floats = {
            name: tensor
            for name, tensor in {**inputs, **outputs}.items()
            if np.issubdtype(np.asanyarray(tensor).dtype, np.floating)
        }
        write_npz(os.path.join(folder, f"{count:06}.npz"), floats)
        count += 1
    print(count, "batches in", folder)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python3 observe.py OBSERVED.onnx BATCHES.py FOLDER")
    main(*sys.argv[1:])

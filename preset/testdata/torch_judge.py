"""Quantizes with PyTorch what TestPyTorch sends.

Reads a JSON object from standard input: {"preset": name, "values": base64 of little-endian
float32, "channels": rows or 0}. Answers with {"version", "scale", "zero", "codes", "values"} in JSON.
"""

import base64
import json
import sys

import numpy as np
import torch
from torch.ao.quantization import observer as ob

OBSERVERS = {
    "pytorch-int8": (torch.qint8, True),
    "pytorch-uint8": (torch.quint8, False),
    "pytorch-uint8-symmetric": (torch.quint8, True),
    "pytorch-fake-quantize": (torch.qint8, False),
}


def observed(x, name, channels):
    """The scale and the zero point of an observer."""
    dtype, symmetric = OBSERVERS[name]
    if channels:
        scheme = torch.per_channel_symmetric if symmetric else torch.per_channel_affine
        o = ob.PerChannelMinMaxObserver(ch_axis=0, dtype=dtype, qscheme=scheme)
    else:
        scheme = torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine
        o = ob.MinMaxObserver(dtype=dtype, qscheme=scheme)
    o(x)
    return o.calculate_qparams(), dtype


def answer(job):
    x = torch.from_numpy(np.frombuffer(base64.b64decode(job["values"]), dtype="<f4").astype(np.float32).copy())
    channels, name = job["channels"], job["preset"]
    if channels:
        x = x.reshape(channels, -1)
    if name == "pytorch-dynamic":
        q = torch.quantize_per_tensor_dynamic(x, torch.quint8, False)
        return [q.q_scale()], [q.q_zero_point()], q.int_repr(), q.dequantize()
    (scale, zero), dtype = observed(x, name, channels)
    if name == "pytorch-fake-quantize":
        if channels:
            y = torch.fake_quantize_per_channel_affine(x, scale, zero.to(torch.int32), 0, -128, 127)
            s, z = scale.reshape(-1, 1), zero.reshape(-1, 1)
        else:
            s, z = scale, zero
            y = torch.fake_quantize_per_tensor_affine(x, float(scale), int(zero), -128, 127)
        # Values are codes times a scale: the codes come back exactly in float64.
        codes = torch.round(y.double() / s.double() + z)
    elif channels:
        q = torch.quantize_per_channel(x, scale.double(), zero, 0, dtype)
        codes, y = q.int_repr(), q.dequantize()
    else:
        q = torch.quantize_per_tensor(x, float(scale), int(zero), dtype)
        codes, y = q.int_repr(), q.dequantize()
    return scale.double().tolist(), zero.tolist(), codes, y


def main():
    for line in sys.stdin:
        scale, zero, codes, values = answer(json.loads(line))
        print(json.dumps({
            "version": torch.__version__,
            "scale": scale,
            "zero": zero,
            "codes": base64.b64encode(codes.to(torch.int16).numpy().astype("<i2").tobytes()).decode(),
            "values": base64.b64encode(values.numpy().astype("<f4").tobytes()).decode(),
        }), flush=True)


main()

"""PyTorch's HistogramObserver on given batches.

Reads a JSON object on each line of standard input, {"file": of float32 values,
"batches": 8, "order": [3, 0, ...]}, and answers with one: {"scale", "zero",
"observe": seconds for all batches, "params": seconds for scale and zero point,
"kept": bytes of what the observer holds, "peak": bytes by which the process grew
at most while it observed}.
"""

import ctypes
import json
import sys
import time
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
print(json.dumps({"version": torch.__version__}), flush=True)
libc = ctypes.CDLL(None)


def resident(field):
    """Returns bytes of memory by a field of Linux's process status."""
    with open("/proc/self/status") as f:
        return next(int(s.split()[1]) * 1024 for s in f if s.startswith(field + ":"))


def from_here():
    """Returns what is resident, and makes the peak that."""
    libc.malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    return resident("VmRSS")


for line in sys.stdin:
    job = json.loads(line)
    x = np.fromfile(job["file"], dtype=np.float32)
    batches = [torch.from_numpy(b) for b in np.split(x, job["batches"])]
    o = torch.ao.quantization.HistogramObserver(
        bins=2048, dtype=torch.qint8, qscheme=torch.per_tensor_affine,
        quant_min=-128, quant_max=127,
    )
    try:
        before = from_here()
        t0 = time.perf_counter()
        for i in job["order"]:
            o(batches[i])
        t1 = time.perf_counter()
        peak = resident("VmHWM") - before
        kept = sum(b.numel() * b.element_size() for b in o.buffers())
        t1b = time.perf_counter()
        scale, zero = o.calculate_qparams()
        t2 = time.perf_counter()
        answer = {"scale": float(scale), "zero": int(zero), "observe": t1 - t0, "params": t2 - t1b,
                  "kept": kept, "peak": peak}
    except Exception as e:  # some values are too much for it
        answer = {"error": f"{type(e).__name__}: {e}".splitlines()[0][:120]}
    print(json.dumps(answer), flush=True)

"""PyTorch's HistogramObserver on given batches.

Reads a JSON object on each line of standard input, {"file": of float32 values,
"batches": 8, "order": [3, 0, ...]}, and answers with one: {"scale", "zero",
"observe": seconds for all batches, "params": seconds for scale and zero point}.
"""

import json
import sys
import time
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    x = np.fromfile(job["file"], dtype=np.float32)
    batches = [torch.from_numpy(b) for b in np.split(x, job["batches"])]
    o = torch.ao.quantization.HistogramObserver(
        bins=2048, dtype=torch.qint8, qscheme=torch.per_tensor_affine,
        quant_min=-128, quant_max=127,
    )
    try:
        t0 = time.perf_counter()
        for i in job["order"]:
            o(batches[i])
        t1 = time.perf_counter()
        scale, zero = o.calculate_qparams()
        t2 = time.perf_counter()
        answer = {"scale": float(scale), "zero": int(zero), "observe": t1 - t0, "params": t2 - t1}
    except Exception as e:  # some values are too much for it
        answer = {"error": f"{type(e).__name__}: {e}".splitlines()[0][:120]}
    print(json.dumps(answer), flush=True)

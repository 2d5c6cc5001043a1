"""PyTorch and NumPy at the jobs of this comparison.

Reads a JSON object on each line of standard input, and answers with one:
{"lib": "torch", "job": "quantize", "rows": 8, "cols": 512, "threads": 1,
"seconds": 0.05} with {"best": seconds of one call}.

Memory is reused wherever the library allows it. Functions do what a careful
user would write: whole arrays, in-place operations, fused ones where there are.
"""

import json
import math
import sys
import time

import numpy as np

try:
    import torch
except ImportError:
    torch = None

F32 = np.float32
_data = {}


def data(rows, cols):
    """The tensor of a shape; only the last one is kept."""
    if (rows, cols) not in _data:
        _data.clear()
        x = np.random.default_rng(1).standard_normal((rows, cols), dtype=F32)
        x *= F32(0.1)
        _data[rows, cols] = x
    return _data[rows, cols]


def params(lo, hi, qmin=-128, qmax=127):
    """Scale and zero point of ranges that are widened to hold 0."""
    lo, hi = np.minimum(lo, F32(0)), np.maximum(hi, F32(0))
    scale = (hi - lo) / F32(qmax - qmin)
    zero = np.clip(np.rint(qmin - lo / scale), qmin, qmax)
    return scale.astype(F32), zero.astype(F32)


# ---- NumPy


def np_range(x):
    return lambda: (x.min(), x.max())


def np_params(x, axis):
    if axis is None:
        return params(x.min(), x.max())
    scale, zero = params(x.min(axis=1 - axis), x.max(axis=1 - axis))
    return (scale[:, None], zero[:, None]) if axis == 0 else (scale, zero)


def np_quantize(x, axis=None):
    scale, zero = np_params(x, axis)
    t, q = np.empty_like(x), np.empty(x.shape, np.int8)

    def f():
        np.divide(x, scale, out=t)
        np.rint(t, out=t)
        np.add(t, zero, out=t)
        np.clip(t, F32(-128), F32(127), out=t)
        np.copyto(q, t, casting="unsafe")

    return f


def np_dequantize(x):
    scale, zero = np_params(x, None)
    q = np.clip(np.rint(x / scale) + zero, -128, 127).astype(np.int8)
    t = np.empty_like(x)

    def f():
        np.subtract(q, zero, out=t)
        np.multiply(t, scale, out=t)

    return f


def np_dynamic(x):
    t, q = np.empty_like(x), np.empty(x.shape, np.uint8)

    def f():
        scale, zero = params(x.min(), x.max(), 0, 255)
        np.divide(x, scale, out=t)
        np.rint(t, out=t)
        np.add(t, zero, out=t)
        np.clip(t, F32(0), F32(255), out=t)
        np.copyto(q, t, casting="unsafe")

    return f


def np_compare(x, block=None):
    """Errors of a scheme per tensor and one per channel (rows)."""
    rows, cols = x.shape
    block = min(block or rows, rows)
    t, u = np.empty((block, cols), F32), np.empty((block, cols), F32)
    clipped = np.empty((block, cols), np.bool_)

    def f():
        lo, hi = np.empty(rows, F32), np.empty(rows, F32)
        for i in range(0, rows, block):
            lo[i : i + block] = x[i : i + block].min(axis=1)
            hi[i : i + block] = x[i : i + block].max(axis=1)
        tensor = params(np.full(rows, lo.min()), np.full(rows, hi.max()))
        channel = params(lo, hi)
        figures = np.empty((2, 4, rows))
        squares = np.empty(rows)
        for i in range(0, rows, block):
            y = x[i : i + block]
            squares[i : i + block] = np.einsum("ij,ij->i", y, y)
            for k, (scale, zero) in enumerate((tensor, channel)):
                s, z = scale[i : i + block, None], zero[i : i + block, None]
                np.divide(y, s, out=t)
                np.rint(t, out=t)
                np.add(t, z, out=t)
                np.clip(t, F32(-128), F32(127), out=u)
                np.not_equal(t, u, out=clipped)
                np.subtract(u, z, out=u)
                np.multiply(u, s, out=u)
                np.subtract(u, y, out=u)
                np.abs(u, out=t)
                out = figures[k, :, i : i + block]
                out[0] = t.sum(axis=1)
                out[1] = np.einsum("ij,ij->i", u, u)
                out[2] = t.max(axis=1)
                out[3] = np.count_nonzero(clipped, axis=1)
        return summarize(figures, squares, cols)

    return f


def summarize(figures, squares, cols):
    """MAE, RMSE, largest error and SQNR of each channel and of the tensor."""
    result = []
    with np.errstate(divide="ignore"):
        for absolute, square, largest, clipped in figures:
            for a, e, m, x, c, n in (
                (absolute, square, largest, squares, clipped, cols),
                (absolute.sum(), square.sum(), largest.max(), squares.sum(), clipped.sum(), cols * len(squares)),
            ):
                result.append((a / n, np.sqrt(e / n), m, 10 * np.log10(x / e), c))
    return result


# ---- PyTorch


def torch_range(x):
    return lambda: torch.aminmax(x)


def torch_params(x, axis):
    if axis is None:
        scale, zero = params(x.min().numpy(), x.max().numpy())
        return float(scale), int(zero)
    scale, zero = params(x.amin(dim=1 - axis).numpy(), x.amax(dim=1 - axis).numpy())
    return torch.from_numpy(scale), torch.from_numpy(zero.astype(np.int64))


def torch_quantize(x, axis=None):
    scale, zero = torch_params(x, axis)
    if axis is None:
        return lambda: torch.quantize_per_tensor(x, scale, zero, torch.qint8)
    return lambda: torch.quantize_per_channel(x, scale, zero, axis, torch.qint8)


def torch_dequantize(x):
    q = torch_quantize(x)()
    return lambda: q.dequantize()


def torch_dynamic(x):
    return lambda: torch.quantize_per_tensor_dynamic(x, torch.quint8, False)


def torch_compare(x, block=None):
    """As np_compare, with the fused fake_quantize and norms of PyTorch."""
    rows, cols = x.shape
    block = min(block or rows, rows)
    norm = torch.linalg.vector_norm
    fake = torch.ops.aten.fake_quantize_per_tensor_affine_cachemask
    fake_channel = torch.ops.aten.fake_quantize_per_channel_affine_cachemask

    def f():
        lo, hi = torch.empty(rows), torch.empty(rows)
        for i in range(0, rows, block):
            lo[i : i + block], hi[i : i + block] = torch.aminmax(x[i : i + block], dim=1)
        scale, zero = params(lo.min().numpy(), hi.max().numpy())
        scales, zeros = params(lo.numpy(), hi.numpy())
        scales, zeros = torch.from_numpy(scales), torch.from_numpy(zeros.astype(np.int32))
        figures, squares = torch.empty((2, 4, rows), dtype=torch.float64), torch.empty(rows)
        for i in range(0, rows, block):
            y = x[i : i + block]
            squares[i : i + block] = norm(y, 2, dim=1)
            for k in range(2):
                if k == 0:
                    e, mask = fake(y, float(scale), int(zero), -128, 127)
                else:
                    e, mask = fake_channel(y, scales[i : i + block], zeros[i : i + block], 0, -128, 127)
                e.sub_(y)
                out = figures[k, :, i : i + block]
                out[0] = norm(e, 1, dim=1)
                out[1] = norm(e, 2, dim=1)
                out[2] = norm(e, math.inf, dim=1)
                out[3] = cols - mask.sum(dim=1)
        f64, squares = figures.numpy(), squares.double().numpy()
        f64[:, 1] **= 2
        return summarize(f64, squares**2, cols)

    return f


JOBS = {
    "range": ("range", {}),
    "quantize": ("quantize", {}),
    "quantize0": ("quantize", {"axis": 0}),
    "quantize1": ("quantize", {"axis": 1}),
    "dequantize": ("dequantize", {}),
    "dynamic": ("dynamic", {}),
    "compare": ("compare", {}),
    "compare blocks": ("compare", {"block": 16}),
}

MOMENT = 200e-6  # what is timed at once takes so long at least


class Timer:
    """Knows how many calls of f fill a moment."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def sample(self, limit):
        """The shortest time of a call, of as many as fill the limit."""
        clock, f = time.perf_counter, self.f
        if self.calls != 1:  # the first call, or what others left in the caches
            f()
        self.calls = self.calls or 1
        best, start = math.inf, clock()
        while True:
            t = clock()
            for _ in range(self.calls):
                f()
            d = clock() - t
            if d < MOMENT:
                self.calls *= 2
                continue
            best = min(best, d / self.calls)
            if clock() - start >= limit:
                return best


_timers = {}  # of the last job and shape


def timer(lib, job, rows, cols, threads):
    group = (job.split()[0], rows, cols)
    if group not in _timers:
        _timers.clear()
        _timers[group] = {}
    timers = _timers[group]
    if (lib, job, threads) not in timers:
        name, options = JOBS[job]
        x = data(rows, cols)
        if lib == "torch":
            f = globals()["torch_" + name](torch.from_numpy(x), **options)
        else:
            f = globals()["np_" + name](x, **options)
        timers[lib, job, threads] = Timer(f)
    return timers[lib, job, threads]


def main():
    for line in sys.stdin:
        r = json.loads(line)
        if r.get("versions"):
            answer = {
                "python": sys.version.split()[0],
                "numpy": np.__version__,
                "torch": torch.__version__ if torch else "",
            }
        else:
            if torch:
                torch.set_num_threads(r["threads"])
            t = timer(r["lib"], r["job"], r["rows"], r["cols"], r["threads"])
            answer = {"best": t.sample(r["seconds"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # the other side is gone, too
        pass

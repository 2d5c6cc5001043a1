package main

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/viterin/vek/vek32"

	"github.com/a01592f9/quant"
)

// An environment has the libraries that can be measured, and the memory that they work in.
type environment struct {
	ort    *onnxruntime // nil without ONNX Runtime
	python *python      // nil without Python

	rows, cols int
	src, dst   []float32
	codes      []byte
}

// allocate makes a tensor of n elements: n/4096 rows, but at least 8.
func (e *environment) allocate(n int) {
	e.cols = min(4096, n/8)
	e.rows = n / e.cols
	e.src, e.dst, e.codes = make([]float32, n), make([]float32, n), make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range e.src {
		e.src[i] = float32(r.NormFloat64() * 0.1)
	}
	runtime.GC()
}

func (e *environment) tensor() quant.Tensor {
	return quant.Tensor{Data: e.src, Shape: []int{e.rows, e.cols}}
}

// A job is an operation that several libraries have.
type job struct {
	id    string
	title string
	about string // in docs/benchmarks.md

	ours   func(e *environment) func()
	ort    func(e *environment) (n *node, buffers [][]byte) // nil if it has no such operator
	vek    bool
	python []string // names of the job in peers.py
}

var jobs = []job{
	{
		id: "range", title: "Range",
		about:  "The smallest and the largest value. quant: `CalibrateInto`; vek: `vek32.Min`, then `vek32.Max`, which read the values twice; NumPy: `min`, then `max`; PyTorch: `aminmax`. quant also tells whether a value is NaN or infinite.",
		ours:   func(e *environment) func() { return e.calibrate(quant.Scheme{Bits: 8}) },
		vek:    true,
		python: []string{"range"},
	}, {
		id: "quantize", title: "Quantize to 8 bits, per tensor",
		about:  "quant: `QuantizeInto`; ONNX Runtime: QuantizeLinear; PyTorch: `quantize_per_tensor`; NumPy: divide, `rint`, add, `clip` and cast, each into memory that is reused.",
		ours:   func(e *environment) func() { return e.quantize(scheme(quant.PerTensor)) },
		ort:    func(e *environment) (*node, [][]byte) { return e.quantizeLinear(quant.PerTensor) },
		python: []string{"quantize"},
	}, {
		id: "quantize0", title: "Quantize to 8 bits, a channel for each row (axis 0)",
		about:  "The same operations; PyTorch: `quantize_per_channel`.",
		ours:   func(e *environment) func() { return e.quantize(scheme(quant.PerChannel(0))) },
		ort:    func(e *environment) (*node, [][]byte) { return e.quantizeLinear(quant.PerChannel(0)) },
		python: []string{"quantize0"},
	}, {
		id: "quantize1", title: "Quantize to 8 bits, a channel for each column (axis 1)",
		about:  "The same operations.",
		ours:   func(e *environment) func() { return e.quantize(scheme(quant.PerChannel(1))) },
		ort:    func(e *environment) (*node, [][]byte) { return e.quantizeLinear(quant.PerChannel(1)) },
		python: []string{"quantize1"},
	}, {
		id: "dequantize", title: "Dequantize from 8 bits, per tensor",
		about:  "quant: `DequantizeInto`; ONNX Runtime: DequantizeLinear; PyTorch: `dequantize`; NumPy: subtract and multiply.",
		ours:   func(e *environment) func() { return e.dequantize(scheme(quant.PerTensor)) },
		ort:    func(e *environment) (*node, [][]byte) { return e.dequantizeLinear(quant.PerTensor) },
		python: []string{"dequantize"},
	}, {
		id: "dynamic", title: "Calibrate, then quantize to 8 bits",
		about:  "quant: `CalibrateInto` and `QuantizeInto`; ONNX Runtime: DynamicQuantizeLinear; PyTorch: `quantize_per_tensor_dynamic`; NumPy: as above.",
		ours:   (*environment).dynamic,
		ort:    (*environment).dynamicQuantizeLinear,
		python: []string{"dynamic"},
	}, {
		id: "compare", title: "Compare 8 bits per tensor with per channel",
		about:  "Ranges, parameters, and for two schemes the mean absolute, root mean squared and largest error, the signal to noise ratio and the number of clipped values, of the tensor and of each channel (a row). quant: `CompareInto`; PyTorch: `aminmax`, `fake_quantize_per_…_affine_cachemask` and `vector_norm`, all of them fused; NumPy: operations into memory that is reused, sums by `einsum`. “in blocks” does 16 rows at a time, so that they stay in a cache. Sums are of binary64 in quant, of binary32 in the others.",
		ours:   (*environment).compare,
		python: []string{"compare", "compare blocks"},
	},
}

// scheme is int8 with zero points in the grid, as ONNX and PyTorch require.
func scheme(by quant.Granularity) quant.Scheme {
	return quant.Scheme{Bits: 8, ZeroInRange: true, Granularity: by}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (e *environment) params(s quant.Scheme) quant.Params {
	p, err := quant.Calibrate(e.tensor(), s)
	must(err)
	return p
}

func (e *environment) calibrate(s quant.Scheme) func() {
	t, p := e.tensor(), e.params(s)
	return func() { must(quant.CalibrateInto(&p, t, s)) }
}

func (e *environment) quantize(s quant.Scheme) func() {
	t, p := e.tensor(), e.params(s)
	return func() { must(quant.QuantizeInto(e.codes, t, p)) }
}

func (e *environment) dequantize(s quant.Scheme) func() {
	q := quant.Quantized{Codes: e.codes, Shape: e.tensor().Shape, Params: e.params(s)}
	must(quant.QuantizeInto(e.codes, e.tensor(), q.Params))
	return func() { must(quant.DequantizeInto(e.dst, q)) }
}

func (e *environment) dynamic() func() {
	s := quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true}
	t, p := e.tensor(), e.params(s)
	return func() {
		must(quant.CalibrateInto(&p, t, s))
		must(quant.QuantizeInto(e.codes, t, p))
	}
}

func (e *environment) compare() func() {
	t, c := e.tensor(), new(quant.Comparison)
	schemes := []quant.Scheme{scheme(quant.PerTensor), scheme(quant.PerChannel(0))}
	return func() { must(quant.CompareInto(c, t, schemes...)) }
}

// A contestant is one library, with a number of threads, that does a job.
type contestant struct {
	who     string
	threads int
	sample  func(limit time.Duration) (best float64, err error)
}

// Names of contestants, in the order of tables.
const (
	whoCopy  = "copy"
	whoOurs  = "quant"
	whoORT   = "ONNX Runtime"
	whoTorch = "PyTorch"
	whoNumPy = "NumPy"
	whoVek   = "vek"
	inBlocks = ", in blocks"
)

// timed returns a contestant that runs in this process on the given number of Go's threads.
func timed(who string, threads int, f func()) contestant {
	t := &timer{f: f}
	return contestant{who, threads, func(limit time.Duration) (float64, error) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		t.sample(limit)
		return t.best, nil
	}}
}

// contestants returns the contestants of j. end releases their memory.
func (e *environment) contestants(j *job) (all []contestant, end func(), err error) {
	ours := j.ours(e)
	all = append(all,
		timed(whoCopy, 1, func() { copy(e.dst, e.src) }),
		timed(whoOurs, 1, ours), timed(whoOurs, 2, ours))
	var sessions []*session
	end = func() {
		for _, s := range sessions {
			s.release()
		}
	}
	if j.ort != nil && e.ort != nil {
		for threads := 1; threads <= 2; threads++ {
			n, buffers := j.ort(e)
			s, err := e.ort.open(n, opset, threads, buffers...)
			if err != nil {
				return nil, end, err
			}
			sessions = append(sessions, s)
			c := timed(whoORT, 1, func() { must(s.run()) }) // its threads are not Go's
			c.threads = threads
			all = append(all, c)
		}
	}
	if j.vek {
		var sink float32
		all = append(all, timed(whoVek, 1, func() { sink = vek32.Min(e.src) + vek32.Max(e.src) }))
		_ = sink
	}
	if e.python != nil {
		for i, name := range j.python {
			suffix := ""
			if i > 0 {
				suffix = inBlocks
			}
			if e.python.versions.Torch != "" {
				all = append(all, e.inPython(whoTorch+suffix, "torch", name, 1), e.inPython(whoTorch+suffix, "torch", name, 2))
			}
			all = append(all, e.inPython(whoNumPy+suffix, "numpy", name, 1))
		}
	}
	return all, end, nil
}

func (e *environment) inPython(who, lib, name string, threads int) contestant {
	return contestant{who, threads, func(limit time.Duration) (float64, error) {
		var answer struct{ Best float64 }
		err := e.python.ask(map[string]any{
			"lib": lib, "job": name, "rows": e.rows, "cols": e.cols, "threads": threads, "seconds": limit.Seconds(),
		}, &answer)
		return answer.Best, err
	}}
}

// A measurement is a job at a size.
type measurement struct {
	Job      string
	Elements int
	Rates    []rate
}

type rate struct {
	Who       string
	Threads   int
	PerSecond float64
}

func (m *measurement) rate(who string, threads int) float64 {
	for _, r := range m.Rates {
		if r.Who == who && r.Threads == threads {
			return r.PerSecond
		}
	}
	return 0
}

const (
	rounds     = 5
	slow       = 0.5 // seconds; a call that takes longer has slowRounds
	slowRounds = 2
)

// measure runs all contestants in turn, so that other work on the machine slows down all of
// them alike. It keeps the shortest time of each.
func (e *environment) measure(j *job, n int, limit time.Duration) (*measurement, error) {
	runtime.GC()
	all, end, err := e.contestants(j)
	defer end()
	if err != nil {
		return nil, err
	}
	best := make([]float64, len(all))
	for round := range rounds {
		for i, c := range all {
			if round >= slowRounds && best[i] > slow {
				continue
			}
			t, err := c.sample(limit / rounds)
			if err != nil {
				return nil, err
			}
			if best[i] == 0 || t < best[i] {
				best[i] = t
			}
		}
	}
	m := &measurement{Job: j.id, Elements: n}
	for i, c := range all {
		m.Rates = append(m.Rates, rate{c.who, c.threads, float64(n) / best[i]})
	}
	return m, nil
}

// ---- ONNX models of the jobs

const opset = 21

func (e *environment) shape() []int { return []int{e.rows, e.cols} }

// linear is a QuantizeLinear or a DequantizeLinear, with the parameters of our
// calibration as constants of the model.
func (e *environment) linear(op string, by quant.Granularity, in, out int) *node {
	p := e.params(scheme(by))
	return linear(op, p, e.shape(), typeInt8, in, out, int8s(p.ZeroPoint))
}

// linear is the node for parameters p of a tensor. zero is the data of the zero
// points, which are of the type typ.
func linear(op string, p quant.Params, shape []int, typ, in, out int, zero []byte) *node {
	n := &node{
		op:         op,
		attributes: map[string]int{},
		inputs:     []value{{name: "x", typ: in, shape: shape}},
		outputs:    []value{{name: "y", typ: out, shape: shape}},
	}
	var of []int // shape of the parameters
	if axis, ok := p.Scheme.Granularity.Axis(); ok {
		n.attributes["axis"] = axis
		if size, ok := p.Scheme.Granularity.GroupSize(); ok {
			n.attributes["block_size"] = size
			of = slices.Clone(shape)
			of[axis] = (of[axis] + size - 1) / size
		} else {
			of = []int{shape[axis]}
		}
	}
	n.constants = []value{
		{name: "scale", typ: typeFloat, shape: of, data: floatBytes(p.Scale)},
		{name: "zero", typ: typ, shape: of, data: zero},
	}
	return n
}

func int8s(zero []int32) []byte {
	b := make([]byte, len(zero))
	for i, z := range zero {
		b[i] = byte(z)
	}
	return b
}

func (e *environment) quantizeLinear(by quant.Granularity) (*node, [][]byte) {
	return e.linear("QuantizeLinear", by, typeFloat, typeInt8), [][]byte{asBytes(e.src), e.codes}
}

func (e *environment) dequantizeLinear(by quant.Granularity) (*node, [][]byte) {
	return e.linear("DequantizeLinear", by, typeInt8, typeFloat), [][]byte{e.codes, asBytes(e.dst)}
}

func (e *environment) dynamicQuantizeLinear() (*node, [][]byte) {
	return dynamic(e.shape()), [][]byte{asBytes(e.src), e.codes, make([]byte, 4), make([]byte, 1)}
}

// dynamic is a DynamicQuantizeLinear.
func dynamic(shape []int) *node {
	return &node{
		op:     "DynamicQuantizeLinear",
		inputs: []value{{name: "x", typ: typeFloat, shape: shape}},
		outputs: []value{
			{name: "y", typ: typeUint8, shape: shape},
			{name: "scale", typ: typeFloat}, {name: "zero", typ: typeUint8},
		},
	}
}

// asBytes returns the memory of x.
func asBytes(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

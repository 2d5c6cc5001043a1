// Command calibrate compares the library's Observer with PyTorch's
// HistogramObserver: on the same batches, the RMSE of what each chooses, time
// and memory, and what another order of the batches changes. It writes
// docs/calibration.md.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/a01592f9/quant"
)

const (
	batches  = 16
	batchLen = 1 << 16
)

// distributions are those of activations, and such as calibration stumbles over.
var distributions = []struct {
	name string
	of   func(rng *rand.Rand, batch int) float32
}{
	{"normal", func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64()) }},
	{"heavy tails", func(r *rand.Rand, _ int) float32 {
		return float32(r.NormFloat64() / (math.Abs(r.NormFloat64()) + 1e-3))
	}},
	{"constant", func(*rand.Rand, int) float32 { return 0.7 }},
	{"tiny", func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 1e-30) }},
	{"huge", func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 1e30) }},
	{"subnormal", func(r *rand.Rand, _ int) float32 { return math.Float32frombits(r.Uint32N(1 << 22)) }},
	{"ReLU", func(r *rand.Rand, _ int) float32 { return max(0, float32(r.NormFloat64())) }},
	{"sparse", func(r *rand.Rand, _ int) float32 {
		if r.IntN(50) > 0 {
			return 0
		}
		return float32(r.NormFloat64())
	}},
	{"outliers", func(r *rand.Rand, _ int) float32 {
		if r.IntN(20000) == 0 {
			return float32(r.Float64()*2-1) * 60
		}
		return float32(r.NormFloat64())
	}},
	{"growing batches", func(r *rand.Rand, b int) float32 { return float32(r.NormFloat64() * math.Pow(2, float64(b)/2)) }},
	{"first batch zero", func(r *rand.Rand, b int) float32 {
		if b == 0 {
			return 0
		}
		return float32(r.NormFloat64())
	}},
}

// A peer is the other program.
type peer struct {
	in      *json.Encoder
	out     *bufio.Scanner
	version string
}

type answer struct {
	Version         string
	Scale           float64
	Zero            int32
	Observe, Params float64
	Kept, Peak      int // bytes
	Error           string
}

func (p *peer) read() (a answer) {
	if !p.out.Scan() {
		log.Fatal("calibrate: the peer has gone: ", p.out.Err())
	}
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		log.Fatal("calibrate: ", err)
	}
	return a
}

func start(python, script string) *peer {
	c := exec.Command(python, script)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	check(err)
	out, err := c.StdoutPipe()
	check(err)
	check(c.Start())
	p := &peer{json.NewEncoder(in), bufio.NewScanner(out), ""}
	p.version = p.read().Version
	return p
}

func main() {
	log.SetFlags(0)
	python := flag.String("python", "/usr/bin/python3", "`interpreter` with PyTorch")
	script := flag.String("script", "calibrate.py", "`file` for the interpreter")
	out := flag.String("out", "../docs/calibration.md", "`file` to write")
	many := flag.Int("stream", 1e10, "`number` of values to observe in one go")
	flag.Parse()
	p := start(*python, *script)
	dir, err := os.MkdirTemp("", "calibrate")
	check(err)
	defer os.RemoveAll(dir)

	var b bytes.Buffer
	fmt.Fprintf(&b, header, batches, batchLen, p.version)
	worse := 0
	for i, d := range distributions {
		x := values(uint64(i), d.of)
		file := filepath.Join(dir, "values")
		check(os.WriteFile(file, x.bytes(), 0o600))
		forward, backward := order(false), order(true)
		ours, theirs := observe(x, forward), p.observe(file, forward)
		ours2, theirs2 := observe(x, backward), p.observe(file, backward)
		a, a2 := x.rmse(ours.params), x.rmse(ours2.params)
		row := fmt.Sprintf("| %s | %.4g | ", d.name, a)
		speed, memory, kept := "–", "", ""
		if e := cmp.Or(theirs.Error, theirs2.Error); e != "" {
			row += "fails: " + e + " | | "
		} else {
			memory, kept = " / "+kib(theirs.Peak), " / "+kib(theirs.Kept)
			speed = fmt.Sprintf("%.0f", theirs.Observe/ours.observe)
			t, t2 := x.rmse(theirs.asParams()), x.rmse(theirs2.asParams())
			row += fmt.Sprintf("%.4g | %s | ", t, change(t, t2))
			if a > min(t, t2)*(1+1e-3) {
				worse++
			}
		}
		if a != a2 || !bytes.Equal(ours.state, ours2.state) {
			log.Fatalf("calibrate: %s: the order of batches changed our result", d.name)
		}
		fmt.Fprintf(&b, "%s%s | %.1f ms / %.1f ms | %s%s | %s%s | %d |\n",
			row, speed, 1e3*ours.params1, 1e3*theirs.Params, kib(int(ours.allocated)), memory, kib(int(ours.kept)), kept, len(ours.state))
	}
	fmt.Fprintf(&b, "\nDistributions on which the library's RMSE is more than 0.1 %% larger: %d.\n", worse)
	stream(&b, *many)
	check(os.WriteFile(*out, b.Bytes(), 0o666))
}

// kib returns bytes in KiB.
func kib(n int) string { return strconv.Itoa((n+1023)/1024) + " KiB" }

// stream observes n values in batches, and says what memory that took.
func stream(b *bytes.Buffer, n int) {
	const length = 1e6
	x := make(floats, length)
	rng := rand.New(rand.NewPCG(1, 3))
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	o, err := quant.NewObserver(scheme, quant.RefuseNotFinite)
	check(err)
	check(o.Observe(quant.Tensor{Data: x}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n/length - 1 {
		check(o.Observe(quant.Tensor{Data: x}))
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	_, err = o.Params(scheme)
	check(err)
	fmt.Fprintf(b, "\n%.3g values, streamed in batches of %g, took %.0f s (%.2g a second) and %d bytes beside those of the first batch.\n",
		float64(o.Counts().Finite), length, took.Seconds(), float64(n)/took.Seconds(), after.TotalAlloc-before.TotalAlloc)
}

func change(a, b float64) string {
	if a == b {
		return "none"
	}
	return fmt.Sprintf("%+.1f %%", 100*(b-a)/a)
}

func order(backward bool) []int {
	o := make([]int, batches)
	for i := range o {
		o[i] = i
	}
	if backward {
		slices.Reverse(o)
	}
	return o
}

type floats []float32

func values(seed uint64, of func(*rand.Rand, int) float32) floats {
	rng := rand.New(rand.NewPCG(seed, 2))
	x := make(floats, batches*batchLen)
	for i := range x {
		x[i] = of(rng, i/batchLen)
	}
	return x
}

func (x floats) bytes() []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// rmse returns the error under p.
func (x floats) rmse(p quant.Params) float64 {
	c, err := quant.CompareParams(quant.Tensor{Data: x}, p)
	check(err)
	return c.Results[0].RMSE
}

var scheme = quant.Scheme{Bits: 8, ZeroInRange: true, Method: quant.LeastSquares}

type result struct {
	params           quant.Params
	state            []byte
	observe, params1 float64 // seconds
	allocated        uint64  // bytes, from the new Observer to the last batch
	kept             int64   // of these, by the Observer
}

// settled returns what is allocated when all that can be freed is: the second
// collection empties pools.
func settled() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// observe times the second of two runs, as steady as an inference loop is.
func observe(x floats, order []int) (r result) {
	before := settled()
	o, err := quant.NewObserver(scheme, quant.RefuseNotFinite)
	check(err)
	for _, i := range order {
		check(o.Observe(quant.Tensor{Data: x[i*batchLen : (i+1)*batchLen]}))
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	r.allocated = after.TotalAlloc - before.TotalAlloc
	r.kept = max(0, int64(settled().HeapAlloc-before.HeapAlloc))
	r.state, err = o.MarshalBinary()
	check(err)
	start := time.Now()
	r.params, err = o.Params(scheme)
	r.params1 = time.Since(start).Seconds()
	check(err)
	r.observe = math.Inf(1)
	for range 3 {
		start = time.Now()
		for _, i := range order {
			check(o.Observe(quant.Tensor{Data: x[i*batchLen : (i+1)*batchLen]}))
		}
		r.observe = min(r.observe, time.Since(start).Seconds())
	}
	return r
}

// observe returns the peer's answer, and the best of its times.
func (p *peer) observe(file string, order []int) (best answer) {
	for i := range 3 {
		check(p.in.Encode(map[string]any{"file": file, "batches": batches, "order": order}))
		a := p.read()
		if i == 0 {
			best = a
		}
		best.Observe, best.Params = min(best.Observe, a.Observe), min(best.Params, a.Params)
		best.Peak = min(best.Peak, a.Peak)
	}
	return best
}

func (a *answer) asParams() quant.Params {
	s := scheme
	s.Method = quant.MinMax
	return quant.Params{Scheme: s, Scale: []float32{float32(a.Scale)}, ZeroPoint: []int32{a.Zero}}
}

func check(err error) {
	if err != nil {
		log.Fatal("calibrate: ", err)
	}
}

const header = `# Calibration, next to PyTorch

` + "`GOWORK=off go run ./calibrate`" + ` in ` + "`peers`" + ` writes this page. %d batches of %d values of each distribution go through an
Observer with LeastSquares, and through PyTorch %s's HistogramObserver with its default of 2048 bins: 8 signed bits, 0 in the
range, one thread. RMSE is that of quantizing all values with the parameters that came out. The batches are then
observed again in the opposite order. That changes nothing in the library, neither parameters nor state.

Speed is how many times longer PyTorch takes to observe. Memory is all that the library allocates from the new
Observer to the last batch, and of that what the Observer keeps; next to it is what PyTorch's process grows by at most meanwhile (the least
of three times, its peak resident memory being reset before each), and what its observer keeps. Most of the library's is
tables for counting, which all Observers of a process share. The state is what MarshalBinary writes.

| values | RMSE | PyTorch's RMSE | with the batches reversed | speed | parameters, ours / PyTorch's | memory, ours / PyTorch's | kept, ours / PyTorch's | bytes of the state |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
`

// Command turns measures calls of the library for peers/turns/run, which builds it with several
// revisions. So it uses only what all of them have: see also dynamic.go and apart.go.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/a01592f9/quant"
)

func main() {
	sizes := flag.String("sizes", "32,4096,262144,16777216", "numbers of elements")
	limit := flag.Duration("time", 10*time.Millisecond, "time for each measurement")
	only := flag.String("only", "", "regular expression of the operations that are measured")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "turns:", err)
		os.Exit(2)
	}
	runtime.GOMAXPROCS(1)
	for _, size := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 32 || n&(n-1) != 0 {
			fmt.Fprintf(os.Stderr, "turns: the size %s is not a power of two from 32 on\n", size)
			os.Exit(2)
		}
		for _, o := range operations(n) {
			if wanted.MatchString(o.name) {
				fmt.Printf("%d\t%s\t%.4g\n", n, o.name, float64(n)/least(o.make(), *limit))
			}
		}
	}
}

// least returns the least time of a call of f in nanoseconds. Short calls are repeated.
func least(f func(), limit time.Duration) float64 {
	const moment = 20 * time.Microsecond
	f() // fills the caches, and allocates
	best, calls := 0.0, 1
	for start := time.Now(); best == 0 || time.Since(start) < limit; {
		batch := time.Now()
		for range calls {
			f()
		}
		d := time.Since(batch)
		if d < moment {
			calls *= 2
			continue
		}
		if ns := float64(d.Nanoseconds()) / float64(calls); best == 0 || ns < best {
			best = ns
		}
	}
	return best
}

// An operation is a call that is measured. make allocates what it needs.
type operation struct {
	name string
	make func() func()
}

// operations returns what is measured with n elements.
func operations(n int) []operation {
	x := make([]float32, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range x {
		x[i] = float32(r.NormFloat64() * 0.1)
	}
	var all []operation
	for _, s := range []struct {
		name  string
		bits  int
		cols  int // length of a row; 0: one axis
		by    quant.Granularity
		do    string // r: range, q: quantize, d: dequantize, b: both ranges and codes, c: compare with per tensor
		least int
	}{
		{"8 bits, per tensor", 8, 0, quant.PerTensor, "rqdb", 32},
		{"8 bits, rows of 512", 8, 512, quant.PerChannel(0), "rqdbc", 512},
		{"8 bits, rows of 1024", 8, 1024, quant.PerChannel(0), "b", 1024},
		{"8 bits, rows of 4096", 8, 4096, quant.PerChannel(0), "rqdbc", 262144},
		{"8 bits, columns of 512", 8, 512, quant.PerChannel(-1), "rqdc", 4096},
		{"8 bits, columns of 4096", 8, 4096, quant.PerChannel(-1), "rqdc", 262144},
		{"8 bits, groups of 32", 8, 0, quant.PerGroup(-1, 32), "rqdb", 32},
		{"8 bits, groups of 128", 8, 0, quant.PerGroup(-1, 128), "rqdb", 128},
		{"4 bits, per tensor", 4, 0, quant.PerTensor, "qd", 32},
		{"4 bits, groups of 32", 4, 0, quant.PerGroup(-1, 32), "qdb", 32},
		{"4 bits, groups of 128", 4, 0, quant.PerGroup(-1, 128), "qdb", 4096},
		{"2 bits, per tensor", 2, 0, quant.PerTensor, "qd", 4096},
		{"16 bits, per tensor", 16, 0, quant.PerTensor, "qd", 32},
	} {
		if n < s.least {
			continue
		}
		t := quant.Tensor{Data: x, Shape: []int{n}}
		if s.cols > 0 {
			t.Shape = []int{n / s.cols, s.cols}
		}
		scheme := quant.Scheme{Bits: s.bits, Granularity: s.by}
		for _, do := range s.do {
			all = append(all, operation{names[do] + s.name, func() func() { return call(do, t, scheme) }})
		}
	}
	return all
}

var names = map[rune]string{'r': "range, ", 'q': "quantize, ", 'd': "dequantize, ", 'b': "dynamic, ", 'c': "compare per tensor and "}

// call returns the call do of t.
func call(do rune, t quant.Tensor, s quant.Scheme) func() {
	if do == 'c' {
		var c quant.Comparison
		return func() { must(quant.CompareInto(&c, t, quant.Scheme{Bits: s.Bits}, s)) }
	}
	p, err := quant.Calibrate(t, s)
	must(err)
	if do == 'r' {
		return func() { must(quant.CalibrateInto(&p, t, s)) }
	}
	q, err := quant.Quantize(t, p)
	must(err)
	switch do {
	case 'q':
		return func() { must(quant.QuantizeInto(q.Codes, t, p)) }
	case 'd':
		real := make([]float32, len(t.Data))
		return func() { must(quant.DequantizeInto(real, q)) }
	default:
		return func() { must(dynamic(q.Codes, &p, t, s)) }
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

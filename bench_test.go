package quant

import (
	"flag"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/a01592f9/quant/internal/histogram"
)

// Benchmarks are named like
//
//	BenchmarkQuantize/isa=avx512/bits=8/walk=runs/n=4096
//
// for benchstat. MB/s counts the tensor's float32 bytes, whichever side it is
// on, so that all can be compared with BenchmarkCopy of the same run, and
// Melem/s its elements. They run on one core but for those named procs=2.

var genericLarge = flag.Bool("genericlarge", false, "benchmark the portable kernels with the largest tensors too")

// benchSizes are of a call that is mostly overhead, of a tensor in the first
// cache, in the second or third, and in memory.
var benchSizes = []int{32, 4096, 262144, benchLarge}

const benchLarge = 1 << 26

// benchWalks are shapes of about n elements, and how they are cut.
var benchWalks = []struct {
	name  string
	shape func(n int) []int
	by    Granularity
}{
	{"runs", func(n int) []int { return []int{n} }, PerTensor},
	{"columns", func(n int) []int { return []int{n / min(n, 512), min(n, 512)} }, PerChannel(-1)},
	{"groups32", func(n int) []int { return []int{n / 32, 32} }, PerGroup(-1, 32)},
	{"conv9", func(n int) []int { return []int{n / 9, 1, 3, 3} }, PerChannel(0)},
	{"conv27", func(n int) []int { return []int{max(1, n/27), 3, 3, min(3, n/9)} }, PerChannel(0)},
}

// benchData is the source of all benchmarks.
var benchData = sync.OnceValue(func() []float32 {
	x := make([]float32, benchLarge)
	if testing.Short() {
		x = x[:benchSizes[len(benchSizes)-2]]
	}
	r := splitmix(2)
	for i := range x {
		u := r.next() // the sum of four is about normal
		x[i] = float32(int32(u&0xffff+u>>16&0xffff+u>>32&0xffff+u>>48)-2*0xffff) * 0x1p-18
	}
	return x
})

var benchReal = sync.OnceValue(func() []float32 { return make([]float32, len(benchData())) })

var benchCodes = sync.OnceValue(func() []byte { return makeCodes(2 * len(benchData())) })

// benchISAs calls f for every usable set and size that are to be benchmarked.
func benchISAs(b *testing.B, f func(b *testing.B, n int)) {
	saved := active
	defer func() { active = saved }()
	for _, s := range usable {
		b.Run("isa="+s.String(), func(b *testing.B) {
			active = s
			for _, n := range benchSizes {
				if n == benchLarge && (testing.Short() || s == generic && !*genericLarge) {
					continue
				}
				f(b, n)
			}
		})
	}
}

// bench measures f, which does elements, on one core and, if they are many, on two.
func bench(b *testing.B, name string, n, elements int, f func()) {
	for _, procs := range []int{1, 2} {
		name := fmt.Sprintf("%s/n=%d", name, n)
		if n == benchLarge {
			name += fmt.Sprintf("/procs=%d", procs)
		} else if procs > 1 {
			continue
		}
		b.Run(name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			f() // so that memory is there
			b.SetBytes(4 * int64(elements))
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(elements)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
		})
	}
}

// benchTensors calls f for every walk.
func benchTensors(n int, f func(walk string, x Tensor, by Granularity)) {
	for _, w := range benchWalks {
		shape := w.shape(n)
		elements, err := elements(shape)
		if err != nil {
			panic(err)
		}
		f(w.name, Tensor{benchData()[:elements], shape}, w.by)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// BenchmarkCopy is what the others are compared with.
func BenchmarkCopy(b *testing.B) {
	for _, n := range benchSizes {
		if n == benchLarge && testing.Short() {
			continue
		}
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			src, dst := benchData()[:n], benchReal()[:n]
			copy(dst, src)
			b.SetBytes(4 * int64(n))
			for b.Loop() {
				copy(dst, src)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
		})
	}
}

func BenchmarkRange(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		benchTensors(n, func(walk string, x Tensor, by Granularity) {
			var p Params
			s := Scheme{Bits: 8, Granularity: by}
			bench(b, "walk="+walk, n, len(x.Data), func() { must(CalibrateInto(&p, x, s)) })
		})
	})
}

// BenchmarkRangeKernel is BenchmarkRange of one run without the call around the
// kernel, which in the first-level cache takes longer than the kernel does.
func BenchmarkRangeKernel(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		var lo, hi [1]float32
		bench(b, "walk=runs", n, n, func() { rangeRuns(lo[:], hi[:], benchData()[:n], n) })
	})
}

var benchBits = []int{2, 4, 8, 16}

func BenchmarkQuantize(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		for _, bits := range benchBits {
			benchTensors(n, func(walk string, x Tensor, by Granularity) {
				p, err := Calibrate(x, Scheme{Bits: bits, Granularity: by})
				must(err)
				name := fmt.Sprintf("bits=%d/walk=%s", bits, walk)
				bench(b, name, n, len(x.Data), func() { must(QuantizeInto(benchCodes(), x, p)) })
			})
		}
	})
}

func BenchmarkDequantize(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		for _, bits := range benchBits {
			benchTensors(n, func(walk string, x Tensor, by Granularity) {
				p, err := Calibrate(x, Scheme{Bits: bits, Granularity: by})
				must(err)
				q := Quantized{benchCodes()[:PackedLen(len(x.Data), bits)], x.Shape, p}
				must(QuantizeInto(q.Codes, x, p))
				dst := benchReal()[:len(x.Data)]
				name := fmt.Sprintf("bits=%d/walk=%s", bits, walk)
				bench(b, name, n, len(x.Data), func() { must(DequantizeInto(dst, q)) })
			})
		}
	})
}

// BenchmarkGroups measures groups in rows of 1024 elements: their ranges, codes with given parameters,
// and both in one dynamic call.
func BenchmarkGroups(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		if n < 4096 {
			return
		}
		x := Tensor{benchData()[:n], []int{n / 1024, 1024}}
		for _, size := range []int{16, 32, 64, 128} {
			var p Params
			s := Scheme{Bits: 8, Granularity: PerGroup(-1, size)}
			bench(b, fmt.Sprintf("do=range/group=%d", size), n, n, func() { must(CalibrateInto(&p, x, s)) })
			for _, bits := range []int{8, 4} {
				s.Bits = bits
				p, err := Calibrate(x, s)
				must(err)
				name := fmt.Sprintf("bits=%d/group=%d", bits, size)
				bench(b, "do=quantize/"+name, n, n, func() { must(QuantizeInto(benchCodes(), x, p)) })
				bench(b, "do=dynamic/"+name, n, n, func() { must(QuantizeDynamicInto(benchCodes(), &p, x, s, RefuseNotFinite)) })
			}
		}
	})
}

// BenchmarkErrors measures the kernels behind all five figures of one scheme,
// called block by block, as a walk does.
func BenchmarkErrors(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		if n == benchLarge {
			b.Run("walk=runs/n=67108864/procs=1", func(b *testing.B) { benchErrorsRuns(b, n, blockLen) })
			b.Run("walk=columns/n=67108864/procs=1", func(b *testing.B) { benchErrorsColumns(b, n, blockCols) })
			return
		}
		b.Run(fmt.Sprintf("walk=runs/n=%d", n), func(b *testing.B) { benchErrorsRuns(b, n, min(n, blockLen)) })
		b.Run(fmt.Sprintf("walk=columns/n=%d", n), func(b *testing.B) { benchErrorsColumns(b, n, min(n, blockCols)) })
		b.Run(fmt.Sprintf("walk=groups32/n=%d", n), func(b *testing.B) { benchErrorsRuns(b, n, 32) })
		b.Run(fmt.Sprintf("walk=conv9/n=%d", n), func(b *testing.B) { benchErrorsRuns(b, n, 9) })
		b.Run(fmt.Sprintf("walk=conv27/n=%d", n), func(b *testing.B) { benchErrorsRuns(b, n, 27) })
	})
}

func benchErrorsRuns(b *testing.B, n, run int) {
	src := benchData()[:n]
	step := max(1, blockLen/run) * run
	var s errorWork
	fill(s.scale[:], 0x1.1p-8)
	fill(s.zero[:], 3)
	sq := make([]float64, blockCols)
	b.SetBytes(4 * int64(n))
	for b.Loop() {
		for x := src; len(x) > 0; {
			m := min(step, len(x))
			k := (m + run - 1) / run
			if k > blockRuns { // short runs, as many as a walk takes
				k, m = blockRuns, blockRuns*run
			}
			errorsSquaresRuns(s.acc[:k], sq, x[:m], run, s.scale[:k], s.zero[:k], -128, 127)
			x = x[m:]
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
}

func benchErrorsColumns(b *testing.B, n, cols int) {
	src := benchData()[:n]
	var s errorWork
	fill(s.scale[:], 0x1.1p-8)
	fill(s.zero[:], 3)
	sq := make([]float64, cols)
	b.SetBytes(4 * int64(n))
	for b.Loop() {
		for x := src; len(x) > 0; {
			rows := min(blockRows, len(x)/cols)
			clear(sq)
			errorsColumns(s.columns(cols), x, rows, cols, s.scale[:cols], s.zero[:cols], -128, 127)
			squaresColumns(sq, x, rows, cols)
			x = x[rows*cols:]
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
}

// BenchmarkCompare measures the whole comparison of one scheme per tensor and
// per channel: of rows of 4096, or of as many columns.
func BenchmarkCompare(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		if n < 4096 {
			return
		}
		x := Tensor{benchData()[:n], []int{n / min(n/8, 4096), min(n/8, 4096)}}
		for _, w := range benchWalks[:2] {
			axis := PerChannel(0)
			if w.name == "columns" {
				axis = w.by
			}
			var c Comparison
			bench(b, "bits=8/walk="+w.name, n, n, func() {
				must(CompareInto(&c, x, Scheme{Bits: 8}, Scheme{Bits: 8, Granularity: axis}))
			})
		}
	})
}

// BenchmarkStreamCompare is BenchmarkCompare of a tensor that is read from a
// Source, which copies it.
func BenchmarkStreamCompare(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		if n < 4096 {
			return
		}
		shape := []int{n / min(n/8, 4096), min(n/8, 4096)}
		src := Source(sliceSource(benchData()[:n]))
		for _, w := range benchWalks[:2] {
			axis := PerChannel(0)
			if w.name == "columns" {
				axis = w.by
			}
			var c Comparison
			bench(b, "bits=8/walk="+w.name, n, n, func() {
				must(Stream{src, shape}.CompareInto(&c, Scheme{Bits: 8}, Scheme{Bits: 8, Granularity: axis}))
			})
		}
	})
}

// benchDists are values for histograms: as weights are, all the same, half of
// them zero, and of all octaves.
var benchDists = []struct {
	name  string
	value func(x float32, i int) float32
}{
	{"normal", func(x float32, i int) float32 { return x }},
	{"constant", func(x float32, i int) float32 { return 1 }},
	{"relu", func(x float32, i int) float32 { return max(x, 0) }},
	{"bits", func(x float32, i int) float32 { return math.Float32frombits(uint32(i) * 0x9e3779b1) }},
}

// BenchmarkHistogram measures the counting of bins whose octaves have their
// places. What to compare it with is BenchmarkRange, which reads the same.
func BenchmarkHistogram(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		for _, d := range benchDists {
			x := benchReal()[:n]
			for i, v := range benchData()[:n] {
				x[i] = d.value(v, i)
			}
			var h histogram.Histogram
			h.Reset(histogramLanes)
			bench(b, "dist="+d.name, n, n, func() { countValues(&h, x) })
		}
	})
}

// BenchmarkObserveSmall measures batches that bring few values for each of many
// channels, whose histograms fill no cache but that of memory.
func BenchmarkObserveSmall(b *testing.B) {
	const rows = 4096
	for _, shape := range [][]int{{8, 4096}, {64, 4096}, {256, 1024}, {64, 256}} {
		n := shape[0] * shape[1]
		o, err := NewObserver(Scheme{Bits: 8, Granularity: PerChannel(-1), Method: Entropy}, RefuseNotFinite)
		must(err)
		i := 0
		all := benchData()[:min(len(benchData()), rows*4096)]
		for at := 0; at < len(all); at += n { // so that all octaves have places
			must(o.Observe(Tensor{all[at : at+n], shape}))
		}
		bench(b, fmt.Sprintf("shape=%v", shape), n, n, func() {
			if i+n > len(all) {
				i = 0
			}
			must(o.Observe(Tensor{all[i : i+n], shape}))
			i += n
		})
	}
}

// BenchmarkTranspose measures what the histograms of columns take before they count.
func BenchmarkTranspose(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		cols := min(n, 512)
		rows := min(n/cols, 64)
		if n%(rows*cols) != 0 {
			return
		}
		dst := make([]float32, rows*cols)
		bench(b, "walk=columns", n, n, func() {
			for x := benchData()[:n]; len(x) > 0; x = x[rows*cols:] {
				transpose(dst, x, rows, cols, cols)
			}
		})
	})
}

// BenchmarkObserve measures an Observer: with ranges alone, and with a
// histogram, of all values or of columns.
func BenchmarkObserve(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		if n < 4096 {
			return
		}
		x := Tensor{benchData()[:n], []int{n / min(n/8, 4096), min(n/8, 4096)}}
		for _, s := range []Scheme{{Bits: 8}, {Bits: 8, Method: Entropy}} {
			for _, w := range benchWalks[:2] {
				if s.Granularity = PerTensor; w.name == "columns" {
					s.Granularity = w.by
				}
				o, err := NewObserver(s, RefuseNotFinite)
				must(err)
				bench(b, fmt.Sprintf("range=%v/walk=%s", s.Method, w.name), n, n, func() { must(o.Observe(x)) })
			}
		}
	})
}

// BenchmarkCalibrateMethods measures the choice of ranges by methods that
// search: of groups, of rows and of columns.
func BenchmarkCalibrateMethods(b *testing.B) {
	benchISAs(b, func(b *testing.B, n int) {
		if n != 1<<18 {
			return
		}
		for _, c := range []struct {
			name  string
			shape []int
			by    Granularity
		}{
			{"group32", []int{n / 4096, 4096}, PerGroup(-1, 32)},
			{"group128", []int{n / 4096, 4096}, PerGroup(-1, 128)},
			{"row4096", []int{n / 4096, 4096}, PerChannel(0)},
			{"row65536", []int{n / 65536, 65536}, PerChannel(0)},
			{"column512", []int{512, n / 512}, PerChannel(-1)},
		} {
			for _, m := range []Method{Percentile(99.9), LeastSquares, LeastAbsolute} {
				for _, s := range []Scheme{{Bits: 8}, {Bits: 4}, {Bits: 8, Mapping: Symmetric}, {Bits: 4, Mapping: Symmetric}} {
					if m.kind == percentile && s != (Scheme{Bits: 8}) {
						continue
					}
					s.Granularity, s.Method = c.by, m
					var p Params
					name := fmt.Sprintf("method=%v/granularity=%s/bits=%d/mapping=%v", m, c.name, s.Bits, s.Mapping)
					bench(b, name, n, n, func() { must(CalibrateInto(&p, Tensor{benchData()[:n], c.shape}, s)) })
				}
			}
		}
	})
}

// BenchmarkFormats measures codes of formats, one to a byte, beside those of int8, in both
// directions: of runs, which per-tensor scales and groups have, and of columns. It also measures
// packing codes of 4 bits.
func BenchmarkFormats(b *testing.B) {
	schemes := []Scheme{{Bits: 8, Mapping: Symmetric}, {Bits: 4, Mapping: Symmetric}}
	for _, f := range []Format{E4M3FN, E5M2, E4M3FNUZ, E5M2FNUZ, E3M2, E2M3, E2M1, NF4} {
		schemes = append(schemes, Scheme{Format: f})
	}
	benchISAs(b, func(b *testing.B, n int) {
		if n != 4096 && n != benchLarge {
			return
		}
		benchTensors(n, func(walk string, x Tensor, by Granularity) {
			if walk != "runs" && walk != "columns" && walk != "groups32" {
				return
			}
			for _, s := range schemes {
				s.Granularity = by
				p, err := Calibrate(x, s)
				must(err)
				name := fmt.Sprintf("walk=%s/format=%s", walk, s.code())
				if s.normal().Bits == 4 {
					bench(b, "to=packed/"+name, n, len(x.Data), func() { must(QuantizeInto(benchCodes(), x, p)) })
				}
				if s.Format == Integers {
					codes := codesOf[int8](benchCodes(), n)
					bench(b, "to=codes/"+name, n, len(x.Data), func() { must(QuantizeCodes(codes, x, p)) })
					bench(b, "to=values/"+name, n, len(x.Data), func() { must(DequantizeCodes(benchReal()[:len(x.Data)], codes[:len(x.Data)], x.Shape, p)) })
					continue
				}
				codes := benchCodes()[:n]
				bench(b, "to=codes/"+name, n, len(x.Data), func() { must(QuantizeCodes(codes, x, p)) })
				bench(b, "to=values/"+name, n, len(x.Data), func() { must(DequantizeCodes(benchReal()[:len(x.Data)], codes[:len(x.Data)], x.Shape, p)) })
			}
		})
	})
}

// codesOf returns n elements of memory as codes of another type.
func codesOf[T Code](memory []byte, n int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(memory))), n)
}

package quant

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// The oracle is the contract once more, read element by element, with no walk,
// no kernel and no block: codes in exact rational arithmetic, sums in
// big.Float. It shares nothing with the library but Scheme.

// paramIndex returns the parameter of element e.
func paramIndex(shape []int, g Granularity, e int) int {
	if g == PerTensor {
		return 0
	}
	axis, _ := g.Axis()
	size, grouped := g.GroupSize()
	axis0, size0, axis1, size1, block := g.Block()
	if block {
		axis, size, grouped = axis1, size1, true
	}
	axis = (axis + len(shape)) % len(shape)
	axis0 = (axis0 + len(shape)) % len(shape)
	coord := make([]int, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		coord[i] = e % shape[i]
		e /= shape[i]
	}
	if !grouped {
		return coord[axis]
	}
	p := 0
	for i, d := range shape {
		c := coord[i]
		switch {
		case i == axis:
			d, c = (d+size-1)/size, c/size
		case block && i == axis0:
			d, c = (d+size0-1)/size0, c/size0
		}
		p = p*d + c
	}
	return p
}

// oracleParams returns the parameters of a range as the contract words them.
func oracleParams(s Scheme, lo, hi float32) (float32, int32) {
	qmin, qmax := -(1 << (s.Bits - 1)), 1<<(s.Bits-1)-1
	if s.Unsigned {
		qmin, qmax = 0, 1<<s.Bits-1
	}
	if s.NarrowRange {
		qmin = -qmax
	}
	if lo == 0 {
		lo = 0
	}
	abs := max(max(lo, -lo), max(hi, -hi))
	if s.Mapping == Symmetric {
		zero := 0
		if s.Unsigned {
			zero = 1 << (s.Bits - 1)
		}
		if abs == 0 {
			return 1, int32(zero)
		}
		scale := max(abs/float32(max(zero-qmin, qmax-zero)), 0x1p-126)
		if s.SignedScale && hi == abs && lo != -abs { // the value of the largest magnitude is positive
			scale = -scale
		}
		return scale, int32(zero)
	}
	if s.ZeroInRange {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	if abs == 0 {
		return 1, 0
	}
	scale := (hi - lo) / float32(qmax-qmin)
	if float64(hi)-float64(lo) > math.MaxFloat32 && math.IsInf(float64(hi-lo), 1) {
		scale = float32(hi/float32(qmax-qmin)) - float32(lo/float32(qmax-qmin))
	}
	scale = max(scale, 0x1p-126, abs/0x1p22)
	zero := int(math.RoundToEven(float64(float32(qmin) - lo/scale)))
	if s.ZeroInRange {
		zero = min(max(zero, qmin), qmax)
	}
	return scale, int32(zero)
}

// oracleCode returns the code of x, and whether it had to be clamped.
func oracleCode(s Scheme, scale float32, zero int32, x float32) (int, bool) {
	qmin, qmax := -(1 << (s.Bits - 1)), 1<<(s.Bits-1)-1
	if s.Unsigned {
		qmin, qmax = 0, 1<<s.Bits-1
	}
	if s.NarrowRange {
		qmin++
	}
	if x != x {
		return qmin, true
	}
	v := math.RoundToEven(float64(x / scale)) // ±Inf stays
	switch q := v + float64(zero); {
	case q < float64(qmin):
		return qmin, true
	case q > float64(qmax):
		return qmax, true
	default:
		return int(q), false
	}
}

func randomShape(rng *rand.Rand) []int {
	shapes := [][]int{
		{1}, {7}, {100}, {4, 5}, {1, 33}, {33, 1}, {3, 64}, {5, 300}, {64, 3}, {300, 2}, {2, 3, 4}, {16, 8, 9},
		{7, 5, 3, 3}, {3, 1, 40}, {2, 31, 2}, {9, 6, 31}, {2, 6, 31}, {1, 40, 70}, {2, 2, 2, 2, 3}, {8, 700}, {700, 8},
		{1, 9000}, {2, 4097}, {2100, 5}, {1200, 70}, {3, 600, 2}, {40, 600},
	}
	return shapes[rng.IntN(len(shapes))]
}

func randomGranularity(rng *rand.Rand, rank int) Granularity {
	axis := rng.IntN(2*rank) - rank
	switch rng.IntN(5) {
	case 0:
		return PerTensor
	case 1:
		return PerGroup(axis, 1+rng.IntN(40))
	case 2:
		if rank > 1 {
			return randomBlock(rng, rank)
		}
	}
	return PerChannel(axis)
}

// randomBlock returns blocks of the last axis and another.
func randomBlock(rng *rand.Rand, rank int) Granularity {
	first, last := rng.IntN(rank-1), -1
	if rng.IntN(2) == 0 {
		first, last = first-rank, rank-1
	}
	if rng.IntN(2) == 0 {
		return PerBlock(last, 1+rng.IntN(60), first, 1+rng.IntN(9))
	}
	return PerBlock(first, 1+rng.IntN(40), last, 1+rng.IntN(300))
}

func randomScheme(rng *rand.Rand, rank int) Scheme {
	s := Scheme{Bits: 2 + rng.IntN(15), Granularity: randomGranularity(rng, rank)}
	switch rng.IntN(5) {
	case 0:
		s.Unsigned = true
	case 1:
		s.Mapping = Symmetric
	case 2:
		s.Unsigned, s.Mapping = true, Symmetric
	case 3:
		s.Mapping, s.NarrowRange = Symmetric, true
	}
	s.ZeroInRange = rng.IntN(2) == 0
	s.SignedScale = s.Mapping == Symmetric && !s.NarrowRange && rng.IntN(2) == 0
	return s
}

// randomTensor has channels of very different ranges, ties, zeros and -0.
func randomTensor(rng *rand.Rand, shape []int) Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	t := Tensor{Data: make([]float32, n), Shape: shape}
	for i := range t.Data {
		switch rng.IntN(12) {
		case 0:
			t.Data[i] = 0
		case 1:
			t.Data[i] = float32(math.Copysign(0, -1))
		case 2:
			t.Data[i] = float32(rng.IntN(17)-8) / 2
		default:
			t.Data[i] = float32(rng.NormFloat64()) * float32(int(1)<<(i%shape[0]%10))
		}
	}
	return t
}

// TestOracle checks Calibrate, Quantize, Dequantize and Compare against the
// oracle, over shapes, granularities and schemes that take every path.
func TestOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rounds := 800
	if testing.Short() {
		rounds = 60
	}
	for round := range rounds {
		shape := randomShape(rng)
		x := randomTensor(rng, shape)
		schemes := make([]Scheme, 1+rng.IntN(3))
		for i := range schemes {
			schemes[i] = randomScheme(rng, len(shape))
		}
		c, err := Compare(x, schemes...)
		if err != nil {
			t.Fatal(err)
		}
		checkRanges(t, x, c)
		for i, s := range schemes {
			name := fmt.Sprintf("round %d: %v %+v", round, shape, s)
			p, err := Calibrate(x, s)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if r := c.Results[i]; !slices.Equal(p.Scale, r.Scale) || !slices.Equal(p.ZeroPoint, r.ZeroPoint) {
				t.Fatalf("%s: Calibrate and Compare disagree", name)
			}
			checkParams(t, name, x, p)
			checkCodes(t, name, x, p)
			checkMetrics(t, name, x, c, i)
		}
	}
}

func checkRanges(t *testing.T, x Tensor, c *Comparison) {
	t.Helper()
	g := PerTensor
	if c.Axis >= 0 {
		g = PerChannel(c.Axis)
	}
	lo, hi := oracleRanges(x, g, len(c.ChannelRanges))
	for i, r := range c.ChannelRanges {
		if r.Min != lo[i] || r.Max != hi[i] || math.Signbit(float64(r.Min)) && r.Min == 0 {
			t.Fatalf("%v: channel %d has range %v, want [%v, %v]", x.Shape, i, r, lo[i], hi[i])
		}
	}
}

func oracleRanges(x Tensor, g Granularity, n int) (lo, hi []float32) {
	lo, hi = make([]float32, n), make([]float32, n)
	for i := range lo {
		lo[i], hi[i] = math.MaxFloat32, -math.MaxFloat32
	}
	for e, v := range x.Data {
		i := paramIndex(x.Shape, g, e)
		lo[i], hi[i] = min(lo[i], v), max(hi[i], v)
	}
	return lo, hi
}

func checkParams(t *testing.T, name string, x Tensor, p Params) {
	t.Helper()
	n, err := p.Scheme.NumParams(x.Shape)
	if err != nil || n != len(p.Scale) || n != len(p.ZeroPoint) {
		t.Fatalf("%s: %d scales, NumParams says %d, %v", name, len(p.Scale), n, err)
	}
	lo, hi := oracleRanges(x, p.Scheme.Granularity, n)
	for i := range n {
		scale, zero := oracleParams(p.Scheme, lo[i], hi[i])
		if p.Scale[i] != scale || p.ZeroPoint[i] != zero {
			t.Fatalf("%s: parameter %d of [%v, %v] is %v, %d, want %v, %d", name, i, lo[i], hi[i], p.Scale[i], p.ZeroPoint[i], scale, zero)
		}
	}
}

func checkCodes(t *testing.T, name string, x Tensor, p Params) {
	t.Helper()
	q, err := Quantize(x, p)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if want := (len(x.Data)*p.Scheme.Bits + 7) / 8; len(q.Codes) != want {
		t.Fatalf("%s: %d bytes, want %d", name, len(q.Codes), want)
	}
	y, err := Dequantize(q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	stream := new(big.Int)
	for e, v := range x.Data {
		i := paramIndex(x.Shape, p.Scheme.Granularity, e)
		want, clipped := oracleCode(p.Scheme, p.Scale[i], p.ZeroPoint[i], v)
		if got := q.At(e); got != want {
			t.Fatalf("%s: code of %v at %d (scale %v, zero point %d) is %d, want %d", name, v, e, p.Scale[i], p.ZeroPoint[i], got, want)
		}
		if e < 500 { // the packed stream as one long integer
			low := big.NewInt(int64(want) & (1<<p.Scheme.Bits - 1))
			stream.Or(stream, low.Lsh(low, uint(e*p.Scheme.Bits)))
		}
		back := float32(want-int(p.ZeroPoint[i])) * p.Scale[i]
		if y.Data[e] != back {
			t.Fatalf("%s: element %d is %v again, want %v", name, e, y.Data[e], back)
		}
		// The property that users rely on: half a step, and the rounding of
		// the quotient, of the product and of the scale's own products.
		if d := math.Abs(float64(back) - float64(v)); !clipped &&
			d > math.Abs(float64(p.Scale[i]))/2+math.Abs(float64(v))*0x1p-22 {
			t.Fatalf("%s: element %d moved from %v to %v, more than half of scale %v", name, e, v, back, p.Scale[i])
		}
	}
	for i := range min(len(q.Codes), 500*p.Scheme.Bits/8) {
		b := new(big.Int).Rsh(stream, uint(8*i))
		if want := byte(b.And(b, big.NewInt(255)).Int64()); q.Codes[i] != want {
			t.Fatalf("%s: byte %d is %#x, want %#x", name, i, q.Codes[i], want)
		}
	}
	again, err := Quantize(y, p)
	if err != nil || !slices.Equal(again.Codes, q.Codes) {
		for e := range x.Data {
			if again.At(e) != q.At(e) {
				i := paramIndex(x.Shape, p.Scheme.Granularity, e)
				t.Fatalf("%s: code %d of element %d becomes %d when quantized again (scale %v, zero point %d), %v",
					name, q.At(e), e, again.At(e), p.Scale[i], p.ZeroPoint[i], err)
			}
		}
	}
}

// checkMetrics computes the metrics of one result exactly, and accepts what
// rounding float64 sums can do to them.
func checkMetrics(t *testing.T, name string, x Tensor, c *Comparison, result int) {
	t.Helper()
	r := c.Results[result]
	by := PerTensor
	if c.Axis >= 0 {
		by = PerChannel(c.Axis)
	}
	type sum struct {
		n, clipped  int
		abs, sq, xx *big.Float
		max         float64
	}
	sums := make([]sum, len(c.ChannelRanges)+1) // the last is the tensor's
	for i := range sums {
		sums[i] = sum{abs: new(big.Float).SetPrec(300), sq: new(big.Float).SetPrec(300), xx: new(big.Float).SetPrec(300)}
	}
	for e, v := range x.Data {
		i := paramIndex(x.Shape, r.Scheme.Granularity, e)
		q, clipped := oracleCode(r.Scheme, r.Scale[i], r.ZeroPoint[i], v)
		back := float32(float32(q-int(r.ZeroPoint[i])) * r.Scale[i])
		d := math.Abs(float64(back - v))
		for _, s := range []*sum{&sums[paramIndex(x.Shape, by, e)], &sums[len(c.ChannelRanges)]} {
			s.n++
			s.abs.Add(s.abs, big.NewFloat(d))
			s.sq.Add(s.sq, big.NewFloat(d*d))
			s.xx.Add(s.xx, big.NewFloat(float64(v)*float64(v)))
			s.max = max(s.max, d)
			if clipped {
				s.clipped++
			}
		}
	}
	for i, s := range sums {
		m := r.Metrics
		if i < len(c.ChannelRanges) {
			m = r.ChannelMetrics[i]
		}
		abs, _ := s.abs.Float64()
		sq, _ := s.sq.Float64()
		xx, _ := s.xx.Float64()
		snr := math.Inf(1)
		if sq > 0 {
			snr = 10 * math.Log10(xx/sq)
		}
		if m.N != s.n || m.Clipped != s.clipped || m.MaxError != s.max ||
			!near(m.MAE, abs/float64(s.n)) || !near(m.RMSE, math.Sqrt(sq/float64(s.n))) || !near(m.SQNR, snr) && !(math.Abs(m.SQNR-snr) <= 1e-12) {
			t.Fatalf("%s (channels of axis %d): metrics %d are %+v, want %+v, MAE %v, RMSE %v, SQNR %v",
				name, c.Axis, i, m, s, abs/float64(s.n), math.Sqrt(sq/float64(s.n)), snr)
		}
	}
	if want := r.Scheme.Memory(len(x.Data), len(r.Scale)); r.Memory != want {
		t.Fatalf("%s: memory %v, want %v", name, r.Memory, want)
	}
}

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b), 1e-3)
}

// TestProcs checks that the number of processors changes no bit, with tensors
// that are cut into several parts in every walk.
func TestProcs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tensors := []Tensor{
		randomTensor(rng, []int{300001}), randomTensor(rng, []int{600, 1001}), randomTensor(rng, []int{3, 200003}),
		randomTensor(rng, []int{200003, 3}), randomTensor(rng, []int{70, 33, 260}), randomTensor(rng, []int{5000, 12, 9}),
	}
	if testing.Short() {
		tensors = []Tensor{randomTensor(rng, []int{300, 801}), randomTensor(rng, []int{60003, 3})}
	}
	for _, x := range tensors {
		rank := len(x.Shape)
		schemes := []Scheme{
			{Bits: 8}, {Bits: 8, Granularity: PerChannel(0)}, {Bits: 4, Granularity: PerGroup(-1, 32)},
			{Bits: 5, Granularity: PerGroup(0, 100)}, {Bits: 11, Unsigned: true, Granularity: PerChannel(-1)},
			{Bits: 16, Mapping: Symmetric, Granularity: PerChannel(rank / 2)}, {Bits: 3, Granularity: PerGroup(rank/2, 7)},
		}
		for _, lead := range []int{1, 4} { // whose axis cuts the channels
			order := slices.Clone(schemes)
			order[0], order[lead] = order[lead], order[0]
			var want *Comparison
			for _, procs := range []int{1, 2, 3, 7} {
				saved := runtime.GOMAXPROCS(procs)
				got, err := Compare(x, order...)
				if err == nil {
					for i, s := range order {
						p, e := Calibrate(x, s)
						err = errors.Join(err, e)
						if !slices.Equal(p.Scale, got.Results[i].Scale) {
							t.Fatalf("%v %d procs: %v: Calibrate and Compare disagree", x.Shape, procs, s)
						}
					}
				}
				runtime.GOMAXPROCS(saved)
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
					continue
				}
				compareResults(t, fmt.Sprintf("%v with %d procs", x.Shape, procs), got, want)
			}
			for i, s := range order {
				checkProcs(t, x, s, want.Results[i].Params)
			}
		}
	}
}

func checkProcs(t *testing.T, x Tensor, s Scheme, p Params) {
	t.Helper()
	var want Quantized
	var back Tensor
	for _, procs := range []int{1, 2, 3, 7} {
		saved := runtime.GOMAXPROCS(procs)
		q, err := Quantize(x, p)
		y, err2 := Dequantize(q)
		runtime.GOMAXPROCS(saved)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if procs == 1 {
			want, back = q, y
		} else if !slices.Equal(q.Codes, want.Codes) || !slices.Equal(y.Data, back.Data) {
			t.Fatalf("%v %+v: other codes with %d procs", x.Shape, s, procs)
		}
	}
}

// compareResults compares bit by bit.
func compareResults(t *testing.T, name string, got, want *Comparison) {
	t.Helper()
	if !slices.Equal(got.ChannelRanges, want.ChannelRanges) || got.Range != want.Range {
		t.Fatalf("%s: other ranges", name)
	}
	for i, w := range want.Results {
		g := got.Results[i]
		if g.Metrics != w.Metrics || !slices.Equal(g.ChannelMetrics, w.ChannelMetrics) {
			t.Fatalf("%s: %+v: other metrics", name, w.Scheme)
		}
		if !slices.Equal(g.Scale, w.Scale) || !slices.Equal(g.ZeroPoint, w.ZeroPoint) {
			t.Fatalf("%s: %+v: other parameters", name, w.Scheme)
		}
	}
}

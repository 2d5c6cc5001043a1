package report

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// The sums of a block are those of its values one by one, for lengths that do
// not come out even, zeros of both signs and the smallest values there are.
func TestSumOf(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	small := math.SmallestNonzeroFloat32
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cycle := []float32{1, 0, -2.5, negZero, float32(small), -float32(small), 3, 0, 7}
	for n := 1; n <= 40; n++ {
		for _, bad := range [][]float32{nil, {nan}, {inf}, {-inf}, {nan, inf, nan}} {
			var x []float32
			for i := range n {
				x = append(x, cycle[i%len(cycle)])
			}
			x = append(x, bad...)
			want := blockSum{min: inf, max: -inf}
			for _, v := range x {
				want.add(v)
			}
			got := sumOf(x)
			if math.Abs(got.sum-want.sum) > 1e-12 || math.Abs(got.squares-want.squares) > 1e-12*want.squares {
				t.Errorf("%d values and %v: sums %v and %v, want %v and %v", n, bad, got.sum, got.squares, want.sum, want.squares)
			}
			got.sum, got.squares = want.sum, want.squares
			if got != want {
				t.Errorf("%d values and %v: %+v, want %+v", n, bad, got, want)
			}
		}
	}
}

// What a report keeps of a tensor's comparison is bounded once it is trimmed:
// nothing in it may point into the comparison, with the parameters of all groups.
func TestTrimmedReportIsSmall(t *testing.T) {
	const tensors, rows, cols = 24, 64, 4096
	var src fake
	data := wave(rows * cols)
	for i := range tensors {
		src = append(src, fakeTensor{name: fmt.Sprint(i), shape: []int{rows, cols}, data: data, axis: tensorfile.NoAxis})
	}
	o := DefaultOptions()
	o.GroupSize, o.Few = 2, true // 131,072 groups, 1 MiB of parameters for each tensor
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	build(t, src[:1], o)
	before := heap()
	r := build(t, src, o)
	if grown := int64(heap()) - int64(before); grown > tensors<<18 {
		t.Errorf("a report of %d tensors takes %d bytes", tensors, grown)
	}
	runtime.KeepAlive(r)
}

package quant

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
)

// An endingSource ends the call that reads it when Err is called for the given time.
type endingSource struct {
	sliceSource
	asked, after *atomic.Int64
}

var errEnded = errors.New("ended")

func (s endingSource) Err() error {
	if s.asked.Add(1) >= s.after.Load() {
		return errEnded
	}
	return nil
}

// TestSearchEnds tests that a Source can end a search between reads, and that the results do not
// change if it does not.
func TestSearchEnds(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	shapes := [][]int{{300}, {16, 80}, {70, 1000}, {900, 4}}
	for _, procs := range []int{1, 3} {
		if procs == 1 && testing.Short() {
			continue
		}
		runtime.GOMAXPROCS(procs)
		for i, shape := range shapes {
			n, _ := elements(shape)
			x := Tensor{valuesOf(uint64(90+i), n, byName("normal")), shape}
			importance := Importance{Axis: 0, Values: make([]float64, shape[0])}
			for k := range importance.Values {
				importance.Values[k] = float64(1 + k%7)
			}
			for j, g := range []Granularity{PerChannel(-1), PerGroup(-1, 16), PerGroup(0, 8), PerTensor} {
				if j == 0 && len(shape) == 1 {
					continue // every value is a channel, and needs no search
				}
				s := Scheme{Bits: 4, Granularity: g, Method: LeastSquares}
				if i == 0 {
					s.Method = LeastAbsolute
				}
				t.Run(fmt.Sprint(procs, shape, g), func(t *testing.T) { testSearchEnds(t, x, s, importance) })
			}
		}
	}
}

func testSearchEnds(t *testing.T, x Tensor, s Scheme, importance Importance) {
	t.Helper()
	var asked, after atomic.Int64
	stream := Stream{endingSource{sliceSource(x.Data), &asked, &after}, x.Shape}
	for name, f := range map[string]func() (any, error){
		"Calibrate":         func() (any, error) { return stream.Calibrate(s) },
		"Compare":           func() (any, error) { return stream.Compare(Scheme{Bits: 8}, s) },
		"CalibrateWeighted": func() (any, error) { return stream.CalibrateWeighted(s, importance) },
	} {
		asked.Store(0)
		after.Store(1 << 62)
		got, err := f()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want any
		switch name {
		case "Calibrate":
			want, err = Calibrate(x, s)
		case "Compare":
			want, err = Compare(x, Scheme{Bits: 8}, s)
		default:
			want, err = CalibrateWeighted(x, s, importance)
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(want, got); diff != "" {
			t.Errorf("%s (-in memory +read)\n%.2000s", name, diff)
		}
		all := asked.Load()
		if all == 0 {
			t.Fatalf("%s did not ask the Source", name)
		}
		for _, k := range []int64{1, (all + 1) / 2, all} {
			asked.Store(0)
			after.Store(k)
			if got, err := f(); !errors.Is(err, errEnded) {
				t.Errorf("%s, ended when asked for the %d. time of %d: %v, %v", name, k, all, got, err)
			}
			if n := asked.Load(); n > k+int64(runtime.GOMAXPROCS(0)) {
				t.Errorf("%s, ended when asked for the %d. time, was asked %d times", name, k, n)
			}
		}
	}
}

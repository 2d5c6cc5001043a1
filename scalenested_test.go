package quant

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"
)

// wantDynamic returns the values of the dynamic map, each the float32 nearest to the exact number.
func wantDynamic() []float32 {
	values := []float32{0, 1}
	for i := range int64(7) {
		for j := range int64(1) << i {
			// (1/10 + 9/10*(2j+1)/2^(i+1)) / 10^(6-i)
			middle := big.NewRat(9*(2*j+1), 10<<(i+1))
			middle.Add(middle, big.NewRat(1, 10))
			for range 6 - i {
				middle.Mul(middle, big.NewRat(1, 10))
			}
			v, _ := middle.Float32()
			values = append(values, v, -v)
		}
	}
	slices.Sort(values)
	return values
}

func TestDynamicMap(t *testing.T) {
	if got := dynamicMap(); !slices.Equal(got, wantDynamic()) {
		t.Errorf("values %v, want %v", got, wantDynamic())
	}
	b := dynamicBook
	if b.values[0] != -b.values[254] || b.values[127] != 0 || b.values[255] != 1 || b.nan != 127 {
		t.Errorf("values %v to %v, and the code %d for NaN", b.values[0], b.values[255], b.nan)
	}
	// The two ends as bitsandbytes has them, but for the last bit.
	for code, want := range map[int]float64{0: -0.99296875, 1: -0.97890625, 126: -5.5e-7, 128: 5.5e-7, 254: 0.99296875} {
		if got := float64(b.values[code]); math.Abs(got-want) > 1e-7*math.Abs(want) {
			t.Errorf("value %d is %v, want %v", code, got, want)
		}
	}
}

// wantNested returns the scales that the two levels stand for, with the nearest value by a search
// of all.
func wantNested(scale []float32) []float32 {
	sum := 0.0
	for _, s := range scale {
		sum += float64(s)
	}
	mean := float32(sum / float64(len(scale)))
	table := wantDynamic()
	var all []float32
	for i := range scale {
		block := scale[i/256*256 : min(i/256*256+256, len(scale))]
		largest := float32(0)
		for _, s := range block {
			largest = max(largest, float32(math.Abs(float64(s-mean))))
		}
		if largest == 0 {
			all = append(all, mean)
			continue
		}
		x := float64((scale[i] - mean) / largest)
		best := table[0] // of two at the same distance the smaller
		for _, v := range table {
			if math.Abs(float64(v)-x) < math.Abs(float64(best)-x) {
				best = v
			}
		}
		all = append(all, max(float32(best*largest)+mean, 0x1p-126))
	}
	return all
}

// TestDynamicScale computes the two levels as their description has them.
func TestDynamicScale(t *testing.T) {
	for _, shape := range [][]int{{300, 128}, {1, 640}, {5, 64}} {
		n, _ := elements(shape)
		x := Tensor{valuesOf(77, n, byName("normal")), shape}
		clear(x.Data[64:128]) // a block of zeros
		for i := range 64 {
			x.Data[n-64+i] *= 50 // a block with a large scale
		}
		var scales []float32
		for at := 0; at < n; at += 64 {
			m := float32(0)
			for _, v := range x.Data[at : at+64] {
				m = max(m, absolute(v))
			}
			scales = append(scales, m)
		}
		s := Scheme{Format: NF4, Granularity: PerGroup(-1, 64), Scales: DynamicScale}
		p, err := Calibrate(x, s)
		if err != nil {
			t.Fatal(err)
		}
		if want := wantNested(scales); !slices.Equal(p.Scale, want) {
			t.Errorf("shape %v: scales %v, want %v", shape, p.Scale, want)
		}
		if p.TensorScale != 0 {
			t.Errorf("shape %v: a scale of the tensor, %v", shape, p.TensorScale)
		}
		if d, err := QuantizeDynamic(x, s, RefuseNotFinite); err != nil || !slices.Equal(d.Params.Scale, p.Scale) {
			t.Errorf("shape %v: QuantizeDynamic has other scales, %v", shape, err)
		}
		back, err := Dequantize(quantized(t, x, s))
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(back.Data[64:128], func(v float32) bool { return v != 0 }); i >= 0 {
			t.Errorf("shape %v: a zero comes back as %v", shape, back.Data[64+i])
		}
	}
}

// TestDynamicScaleEnds has scales that are alike, one scale alone, no values, and scales at the
// end of float32.
func TestDynamicScaleEnds(t *testing.T) {
	const most = math.MaxFloat32
	for _, tt := range []struct {
		name   string
		ranges []Range
		want   []float32
	}{
		{"alike", []Range{{-3, 1}, {0, 3}, {-3, 0}}, []float32{3, 3, 3}},
		{"one", []Range{{-3, 1}}, []float32{3}},
		{"one of zeros", []Range{{}}, []float32{1}},
		{"all of zeros", []Range{{}, {}}, []float32{0x1p-126, 0x1p-126}},
		{"a zero beside others", []Range{{}, {0, 2}}, []float32{1 - dynamicBook.values[254], 2}},
		{"large", []Range{{0, most}, {0, most}, {-most, 0}}, []float32{most, most, most}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParamsFromRanges(Scheme{Format: NF4, Scales: DynamicScale}, tt.ranges)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.Scale, tt.want) {
				t.Errorf("scales %v, want %v", p.Scale, tt.want)
			}
			var back Params
			data, err := p.MarshalJSON()
			if err = errors.Join(err, back.UnmarshalJSON(data)); err != nil || !slices.Equal(back.Scale, p.Scale) {
				t.Errorf("by JSON: %v, %v", back.Scale, err)
			}
		})
	}
}

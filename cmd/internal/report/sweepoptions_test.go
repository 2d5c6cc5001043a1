package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// TestSchemesSideBySide: each scheme of a list has the results of the library, or of the
// blocks of GGUF, whatever is listed beside it.
func TestSchemesSideBySide(t *testing.T) {
	names := []string{"int4:g8", "q4_0", "nf4:g16:mse", "int8:sym:channel", "Q6_K", "nvfp4", "fp8_e5m2:channel@1", "mxfp4", "fp8:3x40"}
	src := plainModel(3)
	src = append(src, fakeTensor{name: "rows", shape: []int{4, 96}, data: waveOf(4 * 96), axis: tensorfile.NoAxis})
	s, err := BuildSweep(t.Context(), "test", src, SweepOptions{Schemes: names}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Schemes) != len(names) || len(s.Weights) != 4 || !slices.Equal(s.Options.Schemes, names) {
		t.Fatalf("%d schemes, %d weights", len(s.Schemes), len(s.Weights))
	}
	for k, x := range s.Schemes {
		if x.Name != names[k] || x.Label() != names[k] {
			t.Errorf("scheme %d is %q, want %q", k, x.Label(), names[k])
		}
	}
	x := quant.Tensor{Data: src[3].data, Shape: src[3].shape}
	for k, text := range map[int]string{0: "int4:g8", 2: "nf4:g16:mse", 3: "int8:sym:c0", 5: "nvfp4", 6: "fp8_e5m2:c1", 7: "mxfp4", 8: "fp8:block3x40@0x1"} {
		q, err := quant.ParseScheme(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := quant.Compare(x, q)
		if err != nil {
			t.Fatal(err)
		}
		got, want := s.Weights[3].Results[k], c.Results[0]
		if float64(got.RMSE) != want.RMSE || float64(got.SQNR) != want.SQNR || got.Clipped != want.Clipped || got.Bytes != want.Memory.Total() {
			t.Errorf("%s: %+v, want %+v and %+v", names[k], got, want.Metrics, want.Memory)
		}
	}
	// 96 values are three blocks of Q4_0, of 18 bytes, and one of Q6_K, of 210.
	coded, back := make([]byte, 4*3*18), make([]float32, 4*96)
	if err := gguf.Q4_0.Quantize(coded, x.Data); err != nil {
		t.Fatal(err)
	}
	gguf.Q4_0.Dequantize(back, coded)
	squares := 0.0
	for i, v := range back {
		squares += float64(v-x.Data[i]) * float64(v-x.Data[i])
	}
	got := s.Weights[3].Results[1]
	if want := math.Sqrt(squares / float64(len(back))); math.Abs(float64(got.RMSE)/want-1) > 1e-12 || got.Bytes != 4*3*18 {
		t.Errorf("q4_0: RMSE %v in %d bytes, want %v in %d", got.RMSE, got.Bytes, want, 4*3*18)
	}
	if b := s.Weights[3].Results[4].Bytes; b != 4*210 {
		t.Errorf("Q6_K: %d bytes, want %d", b, 4*210)
	}
	if p := s.Schemes[4].Padded; p != 4 {
		t.Errorf("Q6_K: %d weights are filled up, want 4", p)
	}
}

// waveOf returns values of both signs and several magnitudes.
func waveOf(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*0.7) * math.Exp(math.Cos(float64(i)*0.31)))
	}
	return x
}

// TestBlocksOfColumns: rows of blocks are channels, on whatever axis these are.
func TestBlocksOfColumns(t *testing.T) {
	const rows, cols = 64, 3
	x, turned := waveOf(rows*cols), make([]float32, rows*cols)
	for i, v := range x {
		turned[i%cols*rows+i/cols] = v
	}
	columns, err := measureBlocks(gguf.Q5_1, x, job{shape: []int{rows, cols}}, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	straight, err := measureBlocks(gguf.Q5_1, turned, job{shape: []int{cols, rows}}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if columns.Bytes != straight.Bytes || columns.MaxError != straight.MaxError || math.Abs(float64(columns.SQNR-straight.SQNR)) > 1e-9 {
		t.Errorf("columns %+v, rows %+v", columns, straight)
	}
}

// TestSchemesRefused: errors name the scheme and what is wrong.
func TestSchemesRefused(t *testing.T) {
	for name, want := range map[string]string{
		"int4:g0":          "not positive",
		"q9_k":             "block formats of GGUF are q4_0",
		"int8:ema=0.01":    "is of batches",
		"mxfp4:g16":        "both a granularity",
		"int8:channel:g32": "both a granularity",
	} {
		_, err := BuildSweep(t.Context(), "test", plainModel(1), SweepOptions{Schemes: []string{"int8", name}}, nil)
		var option *OptionError
		if !errors.As(err, &option) || option.Field != "schemes" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := BuildSweep(t.Context(), "test", plainModel(1), SweepOptions{Schemes: []string{"int8", "int8"}}, nil); err == nil {
		t.Error("a scheme that is there twice is no error")
	}
	_, err := BuildSweep(t.Context(), "test", fake{{name: "w", shape: []int{2, 32}, data: append(make([]float32, 63), 1e30), axis: tensorfile.NoAxis}}, SweepOptions{Schemes: []string{"q4_0"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "channel 1") || !strings.Contains(err.Error(), "float16") {
		t.Errorf("a scale beyond float16: %v", err)
	}
}

// TestSweepOptionsOptions: a field that SweepOptions has in common with Options has the same value
// in what Options a sweep uses. The two are not one embedded struct: their JSON has the common keys
// in another order.
func TestSweepOptionsOptions(t *testing.T) {
	axis := -1
	o := SweepOptions{
		Unsigned: true, Mapping: "symmetric", Axis: &axis, GroupAxis: &axis, NarrowRange: true, ZeroInRange: true, Method: "mse",
		Tensors: []string{"a"}, Divisor: "half", Scales: "float16", SignedScale: true, Importance: "imatrix.gguf", importance: &importance.File{},
	}
	from, to := reflect.ValueOf(o), reflect.ValueOf(o.options())
	common := 0
	for _, f := range reflect.VisibleFields(from.Type()) {
		same, ok := to.Type().FieldByName(f.Name)
		if !ok || f.Name == "Bits" || f.Name == "GroupAxis" { // a sweep has several widths, and sets the axis of groups itself
			continue
		}
		common++
		if a, b := from.FieldByIndex(f.Index), to.FieldByIndex(same.Index); a.IsZero() || !reflect.DeepEqual(fmt.Sprint(a), fmt.Sprint(b)) || f.Tag != same.Tag {
			t.Errorf("%s: %v of the sweep is %v of the comparison", f.Name, a, b)
		}
	}
	if common != 12 {
		t.Errorf("%d common fields, want 12: set the new one above", common)
	}
}

// TestSweepCSVSchemes: in CSV a scheme of a list has its own mapping, method and so on, not those of
// the options, and a block format of GGUF has none.
func TestSweepCSVSchemes(t *testing.T) {
	src := fake{{name: "w", shape: []int{4, 256}, data: wave(1024)}}
	s, err := BuildSweep(t.Context(), "test", src, SweepOptions{
		Bits: []int{4}, Mapping: "symmetric", Divisor: "half", Method: "mae",
		Schemes: []string{"uint4:channel", "int4:sym:narrow:g32:mse", "int4:sym:divisor=each", "nf4:g64", "q4_k"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{"bits", "unsigned", "mapping", "granularity", "group_size", "narrow_range", "zero_in_range", "method", "divisor"}
	want := []string{
		"4 false symmetric per_tensor - false false mae half",
		"4 false symmetric per_channel - false false mae half",
		"4 true asymmetric per_channel - false false minmax far",
		"4 false symmetric per_group 32 true false mse far",
		"4 false symmetric per_tensor - false false minmax each",
		"4 false symmetric per_group 64 false false minmax far",
		"4 - - per_group 256 - - - -",
	}
	if len(rows) != 1+2*len(want) { // all weights together, and the one weight
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows[1:] {
		var got []string
		for _, name := range columns {
			got = append(got, cmp.Or(row[slices.Index(rows[0], name)], "-"))
		}
		if got := strings.Join(got, " "); got != want[i%len(want)] {
			t.Errorf("row %d: %s, want %s", i+1, got, want[i%len(want)])
		}
	}
}

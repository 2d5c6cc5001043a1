package convert

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

var float8Values = flag.Int("float8", 200_000, "values of each 8-bit floating-point type to compare with ONNX Runtime")

// float8Types are the 8-bit floating-point types of ONNX.
var float8Types = []struct {
	name   string
	typ    int64
	format quant.Format
}{
	{"E4M3FN", 17, quant.E4M3FN}, {"E4M3FNUZ", 18, quant.E4M3FNUZ}, {"E5M2", 19, quant.E5M2}, {"E5M2FNUZ", 20, quant.E5M2FNUZ},
}

// castValues returns n values: every float32 at equal distances in the order of the bits, all
// points halfway between two numbers of a type with the float32 before and after, and values whose
// magnitudes the types have.
func castValues(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, 0, n+4*4*256*3)
	for i := range n / 2 {
		x = append(x, math.Float32frombits(uint32(uint64(i)*(1<<33)/uint64(n))+uint32(seed)*40_503))
	}
	for _, t := range float8Types {
		codes, values := make([]uint8, 256), make([]float32, 256)
		for i := range codes {
			codes[i] = uint8(i)
		}
		// WidenFloat8 only fails for other formats.
		_ = quant.WidenFloat8(values, codes, t.format)
		for i := range values[1:] {
			half := (values[i] + values[i+1]) / 2
			x = append(x, half, math.Nextafter32(half, 0), math.Nextafter32(half, 1e9*half))
		}
	}
	x = append(x, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0, float32(math.Copysign(0, -1)))
	for len(x) < n {
		v := math.Float32frombits(uint32(107+r.IntN(39))<<23 | r.Uint32()&(1<<23-1)) // from 2^-20 to 2^18
		x = append(x, float32(math.Copysign(float64(v), r.Float64()-0.5)))
	}
	return x[:n]
}

// A float8Trial is an output of the model of TestONNXRuntimeFloat8, and the library's values.
type float8Trial struct {
	name string
	want func(x []float32) ([]float32, error)
}

// quantizeScale is the scale of QuantizeLinear in the tests of values.
const quantizeScale = 0.3

// float8Model returns a model that casts and quantizes x to each type, and casts the codes to
// float32.
func float8Model(n int) (g onnxtest.Graph, trials []float8Trial) {
	g.Inputs = []onnxtest.Message{onnxtest.Value("x", tFloat, n)}
	g.Tensors = []onnxtest.Message{onnxtest.Floats("s", []float32{quantizeScale})}
	add := func(name string, node onnxtest.Message, want func(x []float32) ([]float32, error)) {
		g.Nodes = append(g.Nodes, node, onnxtest.Node("Cast", []string{"code " + name}, []string{name}, onnxtest.AttrInt("to", tFloat)))
		g.Outputs = append(g.Outputs, onnxtest.Value(name, tFloat, n))
		trials = append(trials, float8Trial{name, want})
	}
	for _, t := range float8Types {
		widened := func(codes []uint8, err error) ([]float32, error) {
			values := make([]float32, len(codes))
			if err == nil {
				err = quant.WidenFloat8(values, codes, t.format)
			}
			return values, err
		}
		for saturate := range int64(2) {
			name := fmt.Sprintf("cast to %s, saturate %d", t.name, saturate)
			add(name, onnxtest.Node("Cast", []string{"x"}, []string{"code " + name}, onnxtest.AttrInt("to", t.typ), onnxtest.AttrInt("saturate", saturate)),
				func(x []float32) ([]float32, error) {
					codes := make([]uint8, len(x))
					values, err := widened(codes, quant.NarrowFloat8(codes, x, t.format, saturate == 1))
					if saturate == 0 {
						runtimeCasts(t.format, x, values)
					}
					return values, err
				})
		}
		g.Tensors = append(g.Tensors, raw8("zero "+t.name, t.typ, []byte{0}))
		name := "quantize to " + t.name
		add(name, onnxtest.Node("QuantizeLinear", []string{"x", "s", "zero " + t.name}, []string{"code " + name}), func(x []float32) ([]float32, error) {
			codes := make([]uint8, len(x))
			s := quant.Scheme{Bits: 8, Format: t.format, Mapping: quant.Symmetric}
			p := quant.Params{Scheme: s, Scale: []float32{quantizeScale}, ZeroPoint: []int32{0}}
			return widened(codes, quant.QuantizeCodes(codes, quant.Tensor{Data: x, Shape: []int{len(x)}}, p))
		})
	}
	return g, trials
}

// runtimeCasts changes the values of casts without saturation where ONNX Runtime 1.30 departs from
// the table of ONNX, which the library follows.
//   - E4M3FN: magnitudes from 480 to 496 round to 480, which the type does not have, and so become
//     NaN. The runtime makes 448 of them.
//   - E5M2: magnitudes from 61440 on round to 65536, and so become infinite. The runtime makes NaN
//     of those below 65536.
func runtimeCasts(f quant.Format, x, values []float32) {
	for i, v := range x {
		switch m := float32(math.Abs(float64(v))); {
		case f == quant.E4M3FN && m >= 480 && m <= 496:
			values[i] = float32(math.Copysign(448, float64(v)))
		case f == quant.E5M2 && m >= 61440 && m < 65536:
			values[i] = float32(math.NaN())
		}
	}
}

// TestONNXRuntimeFloat8 compares Cast and QuantizeLinear to each 8-bit floating-point type, and
// Cast from it, with the library: the same bits, where any NaN equals any other, but for the values
// of runtimeCasts. The flag -float8 sets the number of values.
func TestONNXRuntimeFloat8(t *testing.T) {
	ortFolder(t)
	const most = 250_000 // for one run of Node.js
	for done := 0; done < *float8Values; {
		n := min(most, *float8Values-done)
		x := castValues(n, uint64(done))
		done += n
		g, trials := float8Model(n)
		got := onnxruntime(t, modelOf(t, 21, g, map[string]value{"x": floatValue(x, n)}))[0][0]
		for _, trial := range trials {
			want, err := trial.want(x)
			if err != nil {
				t.Fatal(err)
			}
			differ := 0
			for i, y := range got[trial.name].floats() {
				if math.Float32bits(y) == math.Float32bits(want[i]) || y != y && want[i] != want[i] {
					continue
				}
				if differ++; differ <= 3 {
					t.Errorf("%s: %v (%#x) becomes %v, by ONNX Runtime %v", trial.name, x[i], math.Float32bits(x[i]), want[i], y)
				}
			}
			if differ > 0 {
				t.Errorf("%s: %d of %d values differ", trial.name, differ, n)
			}
		}
	}
	t.Logf("%d values of each type: Cast with and without saturation, and QuantizeLinear", *float8Values)
}

// TestONNXRuntimeDequantizeFloat8 compares DequantizeLinear of all codes of each 8-bit
// floating-point type with the library, for many scales: the same bits, where any NaN equals any
// other.
func TestONNXRuntimeDequantizeFloat8(t *testing.T) {
	ortFolder(t)
	rows := max(*float8Values/256, 1)
	r := rand.New(rand.NewPCG(8, 8))
	scales := make([]float32, rows)
	codes := make([]byte, 0, rows*256)
	for i := range scales {
		scales[i] = float32(math.Ldexp(1+r.Float64(), r.IntN(140)-70))
		for c := range 256 {
			codes = append(codes, byte(c))
		}
	}
	g := onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("x", tFloat, 1)},
		Outputs: []onnxtest.Message{onnxtest.Value("y", tFloat, 1)},
		Tensors: []onnxtest.Message{onnxtest.Floats("s", scales, rows)},
		Nodes:   []onnxtest.Message{onnxtest.Node("Identity", []string{"x"}, []string{"y"})},
	}
	for _, typ := range float8Types {
		g.Tensors = append(g.Tensors, raw8("codes "+typ.name, typ.typ, codes, rows, 256))
		g.Nodes = append(g.Nodes, onnxtest.Node("DequantizeLinear", []string{"codes " + typ.name, "s"}, []string{typ.name}, onnxtest.AttrInt("axis", 0)))
		g.Outputs = append(g.Outputs, onnxtest.Value(typ.name, tFloat, rows, 256))
	}
	results := onnxruntime(t, modelOf(t, 19, g, map[string]value{"x": floatValue([]float32{1}, 1)}))[0][0]
	for _, typ := range float8Types {
		want := make([]float32, len(codes))
		s := quant.Scheme{Bits: 8, Format: typ.format, Mapping: quant.Symmetric, Granularity: quant.PerChannel(0)}
		p := quant.Params{Scheme: s, Scale: scales, ZeroPoint: make([]int32, rows)}
		if err := quant.DequantizeCodes(want, codes, []int{rows, 256}, p); err != nil {
			t.Fatal(err)
		}
		differ, got := 0, results[typ.name].floats()
		for i, y := range got {
			if math.Float32bits(y) != math.Float32bits(want[i]) && (y == y || want[i] == want[i]) {
				if differ++; differ <= 3 {
					t.Errorf("%s: code %#x with the scale %v is %v, by ONNX Runtime %v", typ.name, codes[i], scales[i/256], want[i], y)
				}
			}
		}
		if differ > 0 || len(got) != len(want) {
			t.Errorf("%s: %d of %d values differ", typ.name, differ, len(got))
		}
	}
	t.Logf("%d codes of each type", len(codes))
}

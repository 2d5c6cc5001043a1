package feedback

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a01592f9/quant"
)

var (
	modelFlag   = flag.String("model", "", "ONNX model whose weights TestMeasureModel quantizes")
	weightsFlag = flag.String("weights", ".", "regular expression of the names of these weights")
)

// TestMeasureModel writes the table of docs/planning.md: the ratio of the outputs of a
// layer to their errors, with the nearest values and with error feedback. The inputs are
// made up. The error is that of other inputs than those that Quantize knows.
func TestMeasureModel(t *testing.T) {
	if *modelFlag == "" {
		t.Skip("no -model")
	}
	data, err := os.ReadFile(*modelFlag)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(*weightsFlag)
	fmt.Println("| weight | shape | inputs | bits | minmax | mse | half-quadratic | feedback | seconds |\n|---|---|---|---|---|---|---|---|---|")
	measured := 0
	for _, w := range onnxWeights(data) {
		if out, in := w.Shape[0], w.Shape[1]; out < 8 || in < 32 || !names.MatchString(w.name) {
			continue
		}
		measured++
		for _, relu := range []bool{false, true} {
			measure(t, w, relu)
		}
	}
	if measured == 0 {
		t.Errorf("no weight has a name like %q", *weightsFlag)
	}
}

// measure writes a row for 4 and one for 3 bits.
func measure(t *testing.T, w weight, relu bool) {
	in, kind := w.Shape[1], "AR(1)"
	if relu {
		kind = "ReLU of AR(1)"
	}
	r := rand.New(rand.NewPCG(1, 2))
	known, others := newMoments(t, in, Full, quant.RefuseNotFinite), newMoments(t, in, Full, quant.RefuseNotFinite)
	observe(t, known, correlated(r, 4*in, in, 0.9, relu))
	observe(t, others, correlated(r, 4*in, in, 0.9, relu))
	for _, bits := range []int{4, 3} {
		s := quant.Scheme{Bits: bits, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 128)}
		minmax, err := quant.Calibrate(w.Tensor, s)
		if err != nil {
			t.Fatal(err)
		}
		s.Method = quant.LeastSquares
		mse, err := quant.Calibrate(w.Tensor, s)
		if err != nil {
			t.Fatal(err)
		}
		half, err := HalfQuadratic(w.Tensor, s, HalfQuadraticOptions{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("| %s | %d×%d | %s | %d |", w.name, w.Shape[0], in, kind, bits)
		for _, p := range []quant.Params{minmax, mse, half} {
			q, err := quant.Quantize(w.Tensor, p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf(" %.2f |", outputError(t, w.Tensor, q, others).SQNR())
		}
		begin := time.Now()
		q, err := Quantize(w.Tensor, known, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(begin)
		fmt.Printf(" %.2f | %.2f |\n", outputError(t, w.Tensor, q, others).SQNR(), took.Seconds())
	}
}

// A weight is a tensor of a model, as a layer has it: [outputs, inputs].
type weight struct {
	name string
	quant.Tensor
}

// onnxWeights returns the tensors of float32 with two axes or more: initializers, and the
// values of Constant nodes in the graph and in graphs of its nodes. The numbers are those
// of the fields in onnx.proto.
func onnxWeights(model []byte) (all []weight) {
	fields(model, func(field int, b []byte) {
		if field == 7 { // ModelProto.graph
			all = append(all, onnxGraph(b)...)
		}
	})
	return all
}

func onnxGraph(graph []byte) (all []weight) {
	fields(graph, func(field int, b []byte) {
		switch field {
		case 5: // GraphProto.initializer
			all = append(all, onnxTensor(b, "")...)
		case 1: // GraphProto.node
			output := ""
			fields(b, func(field int, b []byte) {
				if field == 2 { // NodeProto.output
					output = string(b)
				}
			})
			fields(b, func(field int, b []byte) {
				if field != 5 { // NodeProto.attribute
					return
				}
				fields(b, func(field int, b []byte) {
					switch field {
					case 5: // AttributeProto.t
						all = append(all, onnxTensor(b, output)...)
					case 6: // AttributeProto.g
						all = append(all, onnxGraph(b)...)
					}
				})
			})
		}
	})
	return all
}

func onnxTensor(tensor []byte, name string) []weight {
	var w weight
	var raw []byte
	kind := uint64(0)
	fields(tensor, func(field int, b []byte) {
		switch field {
		case 1: // TensorProto.dims, packed or one by one
			for len(b) > 0 {
				d, n := binary.Uvarint(b)
				w.Shape, b = append(w.Shape, int(d)), b[n:]
			}
		case 2: // TensorProto.data_type
			kind, _ = binary.Uvarint(b)
		case 8: // TensorProto.name
			w.name = string(b)
		case 9: // TensorProto.raw_data
			raw = b
		}
	})
	if w.name == "" || name != "" {
		w.name = name
	}
	for len(w.Shape) > 2 && w.Shape[0] == 1 { // the directions of an LSTM
		w.Shape = w.Shape[1:]
	}
	if kind != 1 || len(w.Shape) < 2 || w.Shape[0] == 0 || len(raw) == 0 {
		return nil
	}
	for ; len(raw) >= 4; raw = raw[4:] {
		w.Data = append(w.Data, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	w.Shape = []int{w.Shape[0], len(w.Data) / w.Shape[0]}
	w.name = strings.TrimSpace(w.name)
	return []weight{w}
}

// fields calls do for each field of a message of Protocol Buffers: with its bytes, or with
// its number as a varint.
func fields(b []byte, do func(field int, b []byte)) {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return
		}
		b = b[n:]
		size := 0
		switch key & 7 {
		case 0:
			_, size = binary.Uvarint(b)
		case 1:
			size = 8
		case 2:
			length, n := binary.Uvarint(b)
			b, size = b[max(n, 0):], int(length)
		case 5:
			size = 4
		}
		if size <= 0 && key&7 != 2 || size < 0 || size > len(b) {
			return
		}
		do(int(key>>3), b[:size])
		b = b[size:]
	}
}

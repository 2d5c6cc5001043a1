package convert

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// fold folds BatchNormalization nodes of c.model into the products before them. The folded model
// is a temporary file, which replaces c.model. done closes and removes it. A node stays if a new
// weight or bias would not be finite. If there is nothing to fold, c.model stays as it is.
func (c *onnxCopy) fold() (done func(), err error) {
	done = func() {}
	r := c.model.Rewrite(temporaryModel + ".data")
	count := 0
	for _, f := range c.model.Folds() {
		factors, shifts, reason, err := foldFactors(f)
		if err == nil && reason == "" {
			reason, err = overflow(f, factors)
		}
		if err != nil {
			return done, err
		}
		if reason != "" {
			c.result.Unfolded = append(c.result.Unfolded, FloatNode{f.Name, "BatchNormalization", reason})
			continue
		}
		weight := onnx.Payload{Size: f.Weight.Bytes, Write: func(w io.Writer) error { return inTensor(f.Weight.Name, writeFolded(w, f, factors)) }}
		bias := onnx.Payload{Size: 4 * int64(len(shifts)), Write: func(w io.Writer) error { return binary.Write(w, binary.LittleEndian, shifts) }}
		if err := r.Fold(f, weight, bias); err != nil {
			return done, err
		}
		count++
	}
	if count == 0 {
		return done, nil
	}
	if err := r.Plan(); err != nil {
		return done, err
	}
	dir, err := os.MkdirTemp("", "quant-folded-")
	if err != nil {
		return done, err
	}
	done = func() { os.RemoveAll(dir) }
	path := filepath.Join(dir, temporaryModel)
	if r.DataSize() > 0 {
		if err := writeFile(path+".data", r.WriteData, c.writer); err != nil {
			return done, err
		}
	}
	if err := writeFile(path, r.WriteModel, c.writer); err != nil {
		return done, err
	}
	m, err := onnx.Open(path)
	if err != nil {
		return done, err
	}
	done = func() {
		m.Close()
		os.RemoveAll(dir)
	}
	c.model, c.rewriter, c.result.Normalizations = m, m.Rewrite(filepath.Base(c.out.Path())+".data"), count
	return done, nil
}

// temporaryModel is the name of the file of a folded model.
const temporaryModel = "folded.onnx"

// writeFile writes a file by the function write.
func writeFile(path string, write func(io.Writer) error, wrap func(io.Writer) io.Writer) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = write(wrap(f))
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// foldFactors returns the factors of the weight's output channels and the new bias. They are
// computed in float64, and the bias is rounded to float32 at the end. reason says which of them is
// not finite, so that f must stay; it is empty if all are.
func foldFactors(f *onnx.Fold) (factors []float64, bias []float32, reason string, err error) {
	var lists [5][]float32
	for i, t := range []*onnx.Tensor{f.Scale, f.Shift, f.Mean, f.Variance, f.Bias} {
		if t == nil {
			lists[i] = make([]float32, f.Channels())
			continue
		}
		if lists[i], err = onnxFloats(t); err != nil {
			return nil, nil, "", inTensor(t.Name, err)
		}
	}
	scale, shift, mean, variance, had := lists[0], lists[1], lists[2], lists[3], lists[4]
	for i := range scale {
		factor := float64(scale[i]) / math.Sqrt(float64(variance[i])+float64(f.Epsilon))
		b := float64((float64(had[i])-float64(mean[i]))*factor) + float64(shift[i])
		if math.IsNaN(factor - factor) {
			return nil, nil, fmt.Sprintf("the factor of channel %d is not finite", i), nil
		}
		if b32 := float32(b); b32-b32 != 0 {
			return nil, nil, fmt.Sprintf("the bias of channel %d of %q would not be finite", i, f.Into), nil
		}
		factors, bias = append(factors, factor), append(bias, float32(b))
	}
	return factors, bias, "", nil
}

// overflow says which finite value of the weight of f becomes infinite by the factors. It returns
// "" if there is none.
func overflow(f *onnx.Fold, factors []float64) (reason string, err error) {
	channel := f.Channel()
	err = eachFolded(f, func(at int, values []float32) error {
		for i, v := range values {
			k := channel(at + i)
			if y := float32(float64(v) * factors[k]); v-v == 0 && y-y != 0 {
				reason = fmt.Sprintf("channel %d of the weight %q would overflow float32", k, f.Weight.Name)
				return io.EOF
			}
		}
		return nil
	})
	if reason != "" || err == nil {
		return reason, nil
	}
	return "", inTensor(f.Weight.Name, err)
}

// eachFolded calls do with the values of the weight of f, several at a time, and the index of the
// first of them. It ends with the first error.
func eachFolded(f *onnx.Fold, do func(at int, values []float32) error) error {
	data, err := f.Weight.Data()
	if err != nil {
		return err
	}
	const most = 1 << 14
	n := int(elements(f.Weight.Shape))
	src := tensorfile.Elements(data, 0, n, f.Weight.DType)
	values := make([]float32, min(n, most))
	for at := 0; at < n; at += len(values) {
		values = values[:min(n-at, most)]
		if err := src.ReadFloats(values, at); err != nil {
			return err
		}
		if err := do(at, values); err != nil {
			return err
		}
	}
	return nil
}

// writeFolded writes the weight of f, each value multiplied by the factor of its output channel in
// float64 and then rounded to float32.
func writeFolded(w io.Writer, f *onnx.Fold, factors []float64) error {
	channel := f.Channel()
	var out []byte
	return eachFolded(f, func(at int, values []float32) error {
		out = out[:0]
		for i, v := range values {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(float64(v)*factors[channel(at+i)])))
		}
		_, err := w.Write(out)
		return err
	})
}

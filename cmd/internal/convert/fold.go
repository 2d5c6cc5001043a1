package convert

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// fold folds BatchNormalization nodes of c.model into the products before them. The folded model
// is a temporary file, which replaces c.model. done closes and removes it. If there is nothing to
// fold, c stays as it is.
func (c *onnxCopy) fold() (done func(), err error) {
	done = func() {}
	r := c.model.Rewrite(temporaryModel + ".data")
	count := 0
	for _, f := range c.model.Folds() {
		factors, shifts, err := foldFactors(f)
		if err != nil {
			return done, err
		}
		if factors == nil {
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
// computed in float64, and the bias is rounded to float32 at the end. It returns nil if a factor
// or a bias is not finite.
func foldFactors(f *onnx.Fold) (factors []float64, bias []float32, err error) {
	var lists [5][]float32
	for i, t := range []*onnx.Tensor{f.Scale, f.Shift, f.Mean, f.Variance, f.Bias} {
		if t == nil {
			lists[i] = make([]float32, f.Channels())
			continue
		}
		if lists[i], err = onnxFloats(t); err != nil {
			return nil, nil, inTensor(t.Name, err)
		}
	}
	scale, shift, mean, variance, had := lists[0], lists[1], lists[2], lists[3], lists[4]
	for i := range scale {
		factor := float64(scale[i]) / math.Sqrt(float64(variance[i])+float64(f.Epsilon))
		b := float64((float64(had[i])-float64(mean[i]))*factor) + float64(shift[i])
		if math.IsNaN(factor-factor) || math.IsNaN(b-b) || math.IsInf(float64(float32(b)), 0) {
			return nil, nil, nil
		}
		factors, bias = append(factors, factor), append(bias, float32(b))
	}
	return factors, bias, nil
}

// writeFolded writes the weight of f, each value multiplied by the factor of its output channel in
// float64 and then rounded to float32.
func writeFolded(w io.Writer, f *onnx.Fold, factors []float64) error {
	data, err := f.Weight.Data()
	if err != nil {
		return err
	}
	const most = 1 << 14
	n, channel := int(elements(f.Weight.Shape)), f.Channel()
	src := tensorfile.Elements(data, 0, n, f.Weight.DType)
	values, out := make([]float32, min(n, most)), make([]byte, 0, 4*min(n, most))
	for at := 0; at < n; at += len(values) {
		values = values[:min(n-at, most)]
		if err := src.ReadFloats(values, at); err != nil {
			return err
		}
		out = out[:0]
		for i, v := range values {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(float64(v)*factors[channel(at+i)])))
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}

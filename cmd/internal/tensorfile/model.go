package tensorfile

import (
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// parseONNX reads an ONNX model. dir is the folder of external data, or "" if there is none.
func (f *File) parseONNX(r io.ReaderAt, size int64, dir string) error {
	m, err := onnx.Parse(r, size, dir)
	if err != nil {
		if cut := sniff.Protobuf(r, size); cut != nil {
			return cut
		}
		return err
	}
	f.closers = append(f.closers, m)
	f.Metadata = map[string]string{"ir_version": strconv.FormatInt(m.IR, 10)}
	if m.Producer != "" {
		f.Metadata["producer_name"] = m.Producer
	}
	for _, t := range m.Tensors {
		e := newEntry(t.Name, t.DType, t.Shape, t.Bytes)
		e.Info = SeenONNX(t)
		if t.Floating {
			if e.elements, err = elements(t.Shape); err != nil {
				return inTensor(t.Name, err)
			}
			e.open = func() (quant.Source, error) { return openONNX(t, e.elements) }
		}
		if t.Offset >= 0 && t.File == "" {
			e.raw = io.NewSectionReader(r, t.Offset, t.Bytes)
		}
		if path := filepath.Join(dir, filepath.FromSlash(t.File)); t.File != "" && dir != "" && !slices.Contains(f.paths, path) {
			f.paths = append(f.paths, path)
		}
		f.entries = append(f.entries, e)
	}
	f.Quantized = quantizedONNX(m)
	for _, q := range m.Quantizers() {
		f.Activations = append(f.Activations, Activation{Name: q.Name, Made: q.Made, DType: q.DType, Scale: q.Scale, Zero: q.Zero, Axis: q.Axis, Note: q.Note})
	}
	return nil
}

// quantizedONNX describes the weights of m that are codes, by their operators, and the nodes
// that round values of the model.
func quantizedONNX(m *onnx.Model) string {
	var ops, parts []string
	counts := map[string]int{}
	for _, t := range m.Tensors {
		if t.Coded == "" {
			continue
		}
		if counts[t.Coded]++; counts[t.Coded] == 1 {
			ops = append(ops, t.Coded)
		}
	}
	for i, op := range ops {
		words := ""
		switch {
		case i > 0:
		case counts[op] == 1:
			words = " weight is codes"
		default:
			words = " weights are codes"
		}
		parts = append(parts, strconv.Itoa(counts[op])+words+" of "+printable(op))
	}
	all := strings.Join(parts, ", ")
	n := m.Rounding()
	if n == 0 {
		return all
	}
	if all == "" {
		all = "no weight is codes"
	}
	if n == 1 {
		return all + "; 1 node rounds what is computed"
	}
	return all + "; " + strconv.Itoa(n) + " nodes round what is computed"
}

// SeenONNX describes a tensor of an ONNX model as the operators see it. A tensor of one axis
// that is only reshaped has the new shape.
func SeenONNX(t *onnx.Tensor) Info {
	info := InfoONNX(t)
	if t.Seen != nil && t.Floating {
		info.Shape, info.Axis = t.Seen, t.SeenAxis
	}
	return info
}

// InfoONNX describes a tensor of an ONNX model.
func InfoONNX(t *onnx.Tensor) Info {
	info := newEntry(t.Name, t.DType, t.Shape, t.Bytes).Info
	info.Floating, info.Use, info.Axis, info.File, info.Offset = t.Floating, t.Use, t.Axis, t.File, t.Offset
	if len(t.Shape) == 0 {
		info.Axis = NoAxis
	}
	if !t.Weight {
		info.Left = t.Note
	}
	switch {
	case t.Floating:
	case t.Coded != "":
		info.Left, info.Unread = "quantized already: codes of "+t.Coded, "codes of "+t.Coded
	case t.Note == onnx.SparseNote:
		info.Unread = t.Note
	case strings.HasPrefix(t.DType, "F"), strings.HasPrefix(t.DType, "type "):
		info.Unread = "elements of type " + strings.TrimPrefix(t.DType, "type ") + " are not read"
	}
	return info
}

func openONNX(t *onnx.Tensor, n int) (quant.Source, error) {
	data, err := t.Data()
	if err != nil {
		return nil, err
	}
	return Elements(data, 0, n, t.DType), nil
}

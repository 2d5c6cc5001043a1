package convert

import (
	"errors"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Selection says which tensors of a model Quantize would quantize, whatever their
// size would be afterwards, in the order of the file.
type Selection struct {
	Names     []string
	Left      []Left   // the others
	Choosable []string // names of those left that Options.Include picks if it spells them out
}

// add adds a tensor, why being the reason to leave it, or "", and alone the reason
// if its name were spelled out.
func (s *Selection) add(t Left, why, alone string) {
	if why == "" {
		s.Names = append(s.Names, t.Name)
		return
	}
	t.Reason = why
	s.Left = append(s.Left, t)
	if alone == "" {
		s.Choosable = append(s.Choosable, t.Name)
	}
}

// Select reads which tensors of a model o picks.
func Select(kind Kind, in string, o Options) (*Selection, error) {
	s := new(Selection)
	switch kind {
	case KindONNX:
		m, err := onnx.Open(in)
		if err != nil {
			return nil, cutOff(in, err)
		}
		defer m.Close()
		for _, t := range m.Tensors {
			info := tensorfile.SeenONNX(t)
			s.add(Left{Name: t.Name, DType: t.DType, Shape: info.Shape, Bytes: t.Bytes},
				o.onnxReason(t, info), o.spelling(t.Name).onnxReason(t, info))
		}
	case KindGGUF:
		f, err := gguf.Open(in)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		for i := range f.Tensors {
			t := &f.Tensors[i]
			s.add(Left{Name: t.Name, DType: t.Type.String(), Shape: t.Shape, Bytes: t.Bytes},
				o.reasonGGUF(t), o.spelling(t.Name).reasonGGUF(t))
		}
	case KindSafetensors:
		f, err := tensorfile.Open(in)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		o.Granularity = option.PerChannel // whether groups go with a shape, the plan looks itself
		stored := f.Stored()
		o.setOtherNames(stored)
		for _, t := range stored {
			s.add(Left{Name: t.Name, DType: t.DType, Shape: t.Shape, Bytes: t.Bytes}, o.reasonST(t), o.spelling(t.Name).reasonST(t))
		}
	default:
		return nil, errors.New("not a model: neither ONNX nor GGUF nor safetensors")
	}
	all := slices.Clone(s.Names)
	for _, t := range s.Left {
		all = append(all, t.Name)
	}
	return s, o.selection().Check(all)
}

package convert

import (
	"errors"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Selection lists the tensors of a model that Quantize would quantize, in the order of the
// file. It does not consider their new size.
type Selection struct {
	Names     []string
	Left      []Left   // the other tensors
	Choosable []string // names of tensors in Left that would be quantized if Options.Include had them in full
}

// add adds a tensor. why is the reason to leave it, or ""; alone is the reason if Include had its
// full name.
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

// Select returns the tensors of a model that o selects.
func Select(kind Kind, in string, o Options) (*Selection, error) {
	switch kind {
	case KindONNX:
		m, err := onnx.Open(in)
		if err != nil {
			return nil, cutOff(in, err)
		}
		defer m.Close()
		return selectONNX(m, &o)
	case KindGGUF:
		f, err := gguf.Open(in)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return selectGGUF([]*gguf.File{f}, &o)
	case KindSafetensors:
		f, err := tensorfile.Open(in)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return selectST(f, &o)
	}
	return nil, errNoModel
}

var errNoModel = errors.New("not a model: neither ONNX nor GGUF nor safetensors")

// SelectIn is like Select, for a model in memory. f is the result of parsing files.
func SelectIn(f *tensorfile.File, files []tensorfile.MemoryFile, o Options) (*Selection, error) {
	kind := Kind(f.Kind)
	if len(files) > 1 { // some may not belong to the model
		files = slices.DeleteFunc(slices.Clone(files), func(x tensorfile.MemoryFile) bool { return !strings.HasSuffix(x.Name, kind.Extension()) })
	}
	switch kind {
	case KindONNX:
		m, err := onnx.Parse(files[0].Data, files[0].Size, "")
		if err != nil {
			return nil, err
		}
		defer m.Close()
		return selectONNX(m, &o)
	case KindGGUF:
		var parts []*gguf.File
		for _, x := range files {
			part, err := gguf.Parse(x.Data, x.Size)
			if err != nil {
				return nil, err
			}
			defer part.Close()
			parts = append(parts, part)
		}
		return selectGGUF(parts, &o)
	case KindSafetensors:
		return selectST(f, &o)
	}
	return nil, errNoModel
}

func selectONNX(m *onnx.Model, o *Options) (*Selection, error) {
	s := new(Selection)
	for _, t := range m.Tensors {
		info := tensorfile.SeenONNX(t)
		s.add(Left{Name: t.Name, DType: t.DType, Shape: info.Shape, Bytes: t.Bytes},
			o.onnxReason(t, info), o.spelling(t.Name).onnxReason(t, info))
	}
	return s, s.check(o)
}

func selectGGUF(parts []*gguf.File, o *Options) (*Selection, error) {
	s := new(Selection)
	for _, f := range parts {
		for i := range f.Tensors {
			t := &f.Tensors[i]
			s.add(Left{Name: t.Name, DType: t.Type.String(), Shape: t.Shape, Bytes: t.Bytes},
				o.reasonGGUF(t), o.spelling(t.Name).reasonGGUF(t))
		}
	}
	return s, s.check(o)
}

func selectST(f *tensorfile.File, o *Options) (*Selection, error) {
	s := new(Selection)
	o.Granularity = option.PerChannel // the plan checks itself whether groups suit a shape
	stored := f.Stored()
	o.setOtherNames(stored)
	for _, t := range stored {
		s.add(Left{Name: t.Name, DType: t.DType, Shape: t.Shape, Bytes: t.Bytes}, o.reasonST(t), o.spelling(t.Name).reasonST(t))
	}
	return s, s.check(o)
}

// check returns an error if a pattern of o matches no tensor.
func (s *Selection) check(o *Options) error {
	all := slices.Clone(s.Names)
	for _, t := range s.Left {
		all = append(all, t.Name)
	}
	return o.selection().Check(all)
}

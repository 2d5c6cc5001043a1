package main

import (
	"io"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A reconstructed input is a file and, for an ONNX model, its quantized weights and biases as
// reconstructed values. Their tensors follow those of the file.
type reconstructed struct {
	*input
	stored int // tensors in the file
	more   []convert.Reconstructed
	model  io.Closer
}

// reconstruct returns in with the reconstructed values of its codes.
func reconstruct(in *input) (*reconstructed, error) {
	infos := in.Tensors()
	r := &reconstructed{input: in, stored: len(infos)}
	if in.Kind != string(convert.KindONNX) || in.path == "" {
		return r, nil
	}
	floating := map[string]bool{}
	for _, info := range infos {
		floating[info.Name] = floating[info.Name] || info.Floating
	}
	model, all, err := convert.Reconstruct(in.path)
	if err != nil {
		return nil, ofFile(in.path, err)
	}
	r.model = model
	for _, x := range all {
		if !floating[x.Info.Name] {
			r.more = append(r.more, x)
		}
	}
	return r, nil
}

// Close closes the model; the input stays open.
func (r *reconstructed) Close() error {
	if r.model == nil {
		return nil
	}
	return r.model.Close()
}

// Tensors lists the tensors of the file, then the reconstructed ones.
func (r *reconstructed) Tensors() []tensorfile.Info {
	infos := r.input.Tensors()
	for _, x := range r.more {
		infos = append(infos, x.Info)
	}
	return infos
}

// Source implements report.Source.
func (r *reconstructed) Source(i int) (library.Source, error) {
	if k := i - r.stored; k >= 0 {
		return r.more[k].Source()
	}
	return r.input.Source(i)
}

// Load implements report.Source.
func (r *reconstructed) Load(i int) ([]float32, error) {
	k := i - r.stored
	if k < 0 {
		return r.input.Load(i)
	}
	src, err := r.more[k].Source()
	if err != nil {
		return nil, err
	}
	n := 1
	for _, d := range r.more[k].Info.Shape {
		n *= d
	}
	x := make([]float32, n)
	return x, src.ReadFloats(x, 0)
}

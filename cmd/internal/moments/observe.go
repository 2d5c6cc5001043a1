package moments

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/feedback"
)

// An Observer adds the inputs of layers to a State.
//
// A tensor of a batch whose name is that of a weight, or of a weight without ".weight" at its end,
// has rows of inputs of that weight. With the layers of an ONNX model, tensors with the names of
// the model's values are inputs of its layers.
type Observer struct {
	State  State
	Layers []onnx.Layer // nil without a model
	Policy quant.NotFinitePolicy

	// Name returns the name of a tensor that has none in the file at path; nil leaves it without.
	Name func(path string) string

	// Memory is the limit of bytes of second moments. Of the layers of a file those with few inputs
	// get full moments first; those that do not fit get the diagonal alone.
	Memory int64
	used   int64

	Skipped []Skipped
}

// A Skipped is a tensor of a batch, or a layer, that was not observed.
type Skipped struct{ File, Tensor, Reason string }

// fullBytes returns the memory of full moments of n inputs.
func fullBytes(n int) int64 { return 8 * int64(n) * int64(n+1) }

// begin makes the moments of weights, by their names, with numbers of inputs.
func (o *Observer) begin(inputs map[string]int) error {
	names := make([]string, 0, len(inputs))
	for name := range inputs {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(inputs[a], inputs[b]), cmp.Compare(a, b))
	})
	for _, name := range names {
		n, extent := inputs[name], feedback.Diagonal
		const maxFull = 1 << 15 // of package feedback
		if size := fullBytes(n); n <= maxFull && o.used+size <= o.Memory {
			extent = feedback.Full
			o.used += size
		}
		m, err := feedback.NewMoments(n, extent, o.Policy)
		if err != nil {
			return inTensor(name, err)
		}
		o.State[name] = m
	}
	return nil
}

// FormOf returns the form of the weight of a layer.
func FormOf(l onnx.Layer) Form { return NewForm(l.Weight.Shape, l.Inputs...) }

// Files observes the tensors of files, one file after the other. Errors name the file and the
// tensor.
func (o *Observer) Files(ctx context.Context, paths []string, reading tensorfile.Reading, progress text.Progress) error {
	for _, m := range o.State {
		if m.Extent() == feedback.Full {
			o.used += fullBytes(m.Inputs())
		}
	}
	for i, path := range paths {
		if progress != nil {
			progress(int64(i), int64(len(paths)))
		}
		if err := o.file(ctx, path, reading); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, l := range o.Layers {
		if len(paths) > 0 && o.State[l.Weight.Name] == nil {
			o.Skipped = append(o.Skipped, Skipped{Tensor: l.Weight.Name, Reason: cmp.Or(l.Hidden, "no batch has its inputs")})
		}
	}
	return nil
}

// A batch has the tensors of a file.
type batch struct {
	*tensorfile.File
	infos []tensorfile.Info
	at    map[string]int // index of each name
}

func (o *Observer) file(ctx context.Context, path string, reading tensorfile.Reading) error {
	in, err := tensorfile.Options{Reading: reading}.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	b := batch{in, in.Tensors(), make(map[string]int)}
	for i := range b.infos {
		t := &b.infos[i]
		if t.Name == "" && o.Name != nil {
			t.Name = o.Name(path)
		}
		b.at[t.Name] = i
	}
	var there []onnx.Layer
	inputs := make(map[string]int)
	for _, l := range o.Layers {
		if _, own := b.at[l.Weight.Name]; own || l.Hidden != "" {
			continue
		}
		if _, ok := b.at[l.Input]; ok {
			there = append(there, l)
			if o.State[l.Weight.Name] == nil {
				inputs[l.Weight.Name] = FormOf(l).Inputs()
			}
		}
	}
	if err := o.begin(inputs); err != nil {
		return err
	}
	used := make(map[string]bool)
	for _, l := range there {
		used[l.Input], used[l.Initial] = true, true
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.layer(b, l); err != nil {
			return inTensor(l.Input, fmt.Errorf("input of %s: %w", text.Clean(l.Weight.Name), trimmed{err}))
		}
	}
	return o.rows(ctx, b, used, path)
}

// rows observes the tensors of a batch that have rows of inputs.
func (o *Observer) rows(ctx context.Context, b batch, used map[string]bool, path string) error {
	weights := make(map[string]bool)
	for _, l := range o.Layers {
		weights[l.Weight.Name] = true
	}
	inputs := make(map[string]int)
	var own []int
	for i, t := range b.infos {
		switch {
		case used[t.Name]:
			continue
		case o.Layers != nil && !weights[t.Name]:
			o.Skipped = append(o.Skipped, Skipped{path, t.Name, "neither a weight nor an input of a layer"})
			continue
		case !t.Floating || len(t.Shape) == 0 || elements(t.Shape) == 0:
			o.Skipped = append(o.Skipped, Skipped{path, t.Name, "no rows of floating-point numbers"})
			continue
		}
		own = append(own, i)
		if o.State[t.Name] == nil {
			inputs[t.Name] = t.Shape[len(t.Shape)-1]
		}
	}
	if err := o.begin(inputs); err != nil {
		return err
	}
	for _, i := range own {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := b.infos[i]
		x, err := b.Load(i)
		if err == nil {
			err = o.State[t.Name].Observe(quant.Tensor{Data: x, Shape: t.Shape})
		}
		if err != nil {
			return inTensor(t.Name, err)
		}
	}
	return nil
}

// tensor reads a tensor of a batch.
func (b batch) tensor(name string) (quant.Tensor, error) {
	i := b.at[name]
	x, err := b.Load(i)
	return quant.Tensor{Data: x, Shape: b.infos[i].Shape}, err
}

// layer observes the inputs of a layer.
func (o *Observer) layer(b batch, l onnx.Layer) error {
	x, err := b.tensor(l.Input)
	if err != nil {
		return err
	}
	m := o.State[l.Weight.Name]
	switch l.Role {
	case onnx.RoleWindow:
		return windows(m, x, l.Conv, FormOf(l).Inputs())
	case onnx.RoleState:
		first := quant.Tensor{}
		if l.Initial != "" {
			if _, there := b.at[l.Initial]; !there {
				return fmt.Errorf("the batch does not have the first state, %s", text.Clean(l.Initial))
			}
			if first, err = b.tensor(l.Initial); err != nil {
				return err
			}
		}
		return states(m, x, first)
	}
	return m.Observe(x)
}

// states observes the states that a recurrent operator multiplies: the first, which may be left
// out if it is 0, and all outputs y of the shape [steps, 1, batch, state] but the last step.
func states(m *feedback.Moments, y, first quant.Tensor) error {
	n := m.Inputs()
	if len(y.Shape) != 4 || y.Shape[1] != 1 || y.Shape[3] != n {
		return fmt.Errorf("states of the shape %v, where [steps, 1, batch, %d] was expected", y.Shape, n)
	}
	rows := y.Shape[2]
	if first.Shape == nil {
		first = quant.Tensor{Data: make([]float32, rows*n), Shape: []int{rows, n}}
	}
	if len(first.Data) != rows*n {
		return fmt.Errorf("a first state of the shape %v, where [1, %d, %d] was expected", first.Shape, rows, n)
	}
	if y.Shape[0] == 0 {
		return nil
	}
	if err := m.Observe(quant.Tensor{Data: first.Data, Shape: []int{rows, n}}); err != nil {
		return err
	}
	steps := y.Shape[0] - 1
	return m.Observe(quant.Tensor{Data: y.Data[:steps*rows*n], Shape: []int{steps, rows, n}})
}

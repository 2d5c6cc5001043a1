package calibration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// SensitivityOptions say which tensors of batches are measured.
type SensitivityOptions struct {
	Name    string   // of tensors that have none in their file, see Name
	Tensors []string // patterns of names, as option.Match has them; none for all

	Reading tensorfile.Reading // of batches that are text
}

// Errors are what quantizing one tensor with the parameters of a calibration changes, over
// all batches of the tensor.
type Errors struct {
	Tensor  *calibfile.Tensor // in the calibration
	Batches int
	Values  int64

	MAE, RMSE, MaxError float64
	SQNR                float64 // in dB; +Inf where nothing is lost
	Clipped             int64   // values whose code had to be moved into the grid

	Worst     string  // the file of the batch with the lowest SQNR
	WorstSQNR float64 // in dB

	abs, noise, signal float64
}

// A Sensitivity is how much the quantization of each tensor loses.
type Sensitivity struct {
	Errors  []*Errors // the lowest SQNR first
	Skipped []Skipped // tensors of files that were not measured
	Unseen  []string  // names of the calibration that no file has
	Files   int
}

// Measure quantizes the tensors of files with the parameters that a calibration has for
// them, and measures what that changes. The order of the files matters to no more than
// the last bits of sums. The error names the file and the tensor.
func Measure(ctx context.Context, f *calibfile.File, paths []string, o SensitivityOptions, progress text.Progress) (*Sensitivity, error) {
	m := &measurement{f: f, o: o, by: map[string]*Errors{}, progress: progress}
	for _, p := range paths {
		m.total += sizeOf(p)
	}
	s := &Sensitivity{Files: len(paths)}
	for _, p := range paths {
		if err := m.file(ctx, p, s); err != nil {
			return nil, err
		}
	}
	for i := range f.Tensors {
		switch name := f.Tensors[i].Name; {
		case m.by[name] != nil:
			s.Errors = append(s.Errors, m.by[name].sum())
		case m.picks(name):
			s.Unseen = append(s.Unseen, name)
		}
	}
	slices.SortStableFunc(s.Errors, func(a, b *Errors) int {
		switch { // an order of numbers that may be infinite
		case a.SQNR < b.SQNR:
			return -1
		case a.SQNR > b.SQNR:
			return 1
		}
		return 0
	})
	return s, nil
}

// A measurement is a Measure that is under way.
type measurement struct {
	f           *calibfile.File
	o           SensitivityOptions
	by          map[string]*Errors // by names of tensors
	progress    text.Progress
	done, total int64
}

func (m *measurement) picks(name string) bool {
	return option.Selection{Include: m.o.Tensors}.Picks(name)
}

// file measures the tensors of a file.
func (m *measurement) file(ctx context.Context, path string, s *Sensitivity) error {
	in, err := tensorfile.Options{Reading: m.o.Reading}.Open(path)
	if err != nil {
		var os *fs.PathError
		if errors.As(err, &os) {
			err = os.Err
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	defer in.Close()
	size, bytes := sizeOf(path), int64(0)
	infos := in.Tensors()
	for i := range infos {
		if infos[i].Name == "" {
			infos[i].Name = Name(m.o.Name, path)
		}
		bytes += infos[i].Bytes
	}
	start, read := m.done, int64(0)
	for i, info := range infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		read += info.Bytes
		if m.picks(info.Name) {
			entry, reason := m.f.Find(info.Name), skip(info)
			if entry == nil && reason == "" {
				reason = "not in the calibration"
			}
			if reason != "" {
				s.Skipped = append(s.Skipped, Skipped{path, info.Name, reason})
			} else if err := m.batch(in, i, info, entry, path); err != nil {
				return fmt.Errorf("%s: %w", path, inTensor(info.Name, ofTensor(err, info.Name)))
			}
		}
		if bytes > 0 {
			m.done = start + int64(float64(size)*(float64(read)/float64(bytes)))
		}
		if m.progress != nil {
			m.progress(m.done, m.total)
		}
	}
	return nil
}

// batch measures one tensor of a file.
func (m *measurement) batch(in *tensorfile.File, i int, info tensorfile.Info, entry *calibfile.Tensor, path string) error {
	anyShape := *entry
	anyShape.Shape = nil // batches may differ from those that were calibrated
	p, err := anyShape.Params(info.Shape)
	if err != nil {
		return err
	}
	src, err := in.Source(i)
	if err != nil {
		return err
	}
	c, err := quant.Stream{Source: src, Shape: info.Shape}.CompareParams(p, nothing)
	if err != nil {
		return err
	}
	e := m.by[info.Name]
	if e == nil {
		e = &Errors{Tensor: entry, WorstSQNR: math.Inf(1)}
		m.by[info.Name] = e
	}
	e.add(&c.Results[0].Metrics, &c.Results[1].Metrics, path)
	return nil
}

// nothing are parameters under which all values but huge ones become 0, so that the
// squares of the errors are those of the values.
var nothing = quant.Params{
	Scheme: quant.Scheme{Bits: 8, Mapping: quant.Symmetric}, Scale: []float32{math.MaxFloat32}, ZeroPoint: []int32{0},
}

// add adds a batch, of which zero are the errors if all values become 0.
func (e *Errors) add(m, zero *quant.Metrics, path string) {
	n := float64(m.N)
	e.Batches++
	e.Values += int64(m.N)
	e.Clipped += int64(m.Clipped)
	e.abs += float64(m.MAE * n)
	e.noise += float64(float64(m.RMSE*m.RMSE) * n)
	e.signal += float64(float64(zero.RMSE*zero.RMSE) * n)
	e.MaxError = max(e.MaxError, m.MaxError)
	if m.SQNR < e.WorstSQNR || e.Worst == "" {
		e.Worst, e.WorstSQNR = path, m.SQNR
	}
}

// sum returns e with what its sums come to.
func (e *Errors) sum() *Errors {
	n := float64(e.Values)
	e.MAE, e.RMSE, e.SQNR = e.abs/n, math.Sqrt(e.noise/n), math.Inf(1)
	if e.noise > 0 {
		e.SQNR = 10 * math.Log10(e.signal/e.noise)
	}
	return e
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/calibration"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// momentFiles splits FILES into files of second moments and others.
func momentFiles(args []string) (seen, others []string, err error) {
	for _, in := range args {
		if in != "-" {
			st, err := os.Stat(in)
			if err != nil {
				return nil, nil, ofFile(in, err)
			}
			if st.Mode().IsRegular() { // bytes read from a pipe would be lost
				head, err := headOf(in)
				if err != nil {
					return nil, nil, err
				}
				if moments.IsState(head) {
					seen = append(seen, in)
					continue
				}
			}
		}
		others = append(others, in)
	}
	return seen, others, nil
}

// checkFiles returns a usage error for files that do not go with the flags. seen have second moments,
// and others, among them states, have none.
func (m *momentFlags) checkFiles(f *calibrateFlags, seen, others, states []string) error {
	switch {
	case m.path == "" && len(seen) > 0:
		return usagef("%s has second moments: --moments is missing, the name of the file to write", seen[0])
	case m.only(f) && len(states) > 0:
		return usagef("%s has no second moments", states[0])
	case f.merge && len(seen) > 0 && !m.only(f):
		return usagef("%s has second moments: --merge joins them into --moments alone", seen[0])
	case len(others) == 0 && !m.only(f):
		return usagef("%s has second moments, and there are no batches to calibrate", seen[0])
	}
	return nil
}

// observeMoments observes the second moments in batches, and writes them.
func (a *app) observeMoments(ctx context.Context, f *calibrateFlags, seen, batches []string) error {
	o := &moments.Observer{State: moments.State{}, Memory: f.moments.limit}
	o.Name = func(path string) string { return calibration.Name(f.name, path) }
	if f.ignore {
		o.Policy = library.IgnoreNotFinite
	}
	reading, err := f.reading.reading()
	if err != nil {
		return err
	}
	for _, path := range seen {
		next, err := moments.Open(path)
		if err != nil {
			return ofFile(path, err)
		}
		if err := o.State.Merge(next); err != nil {
			return ofFile(path, err)
		}
	}
	if f.moments.layers != "" {
		m, err := onnx.Open(f.moments.layers)
		if err != nil {
			return ofFile(f.moments.layers, err)
		}
		defer m.Close()
		o.Layers, _ = m.Layers()
		if len(o.Layers) == 0 {
			return fmt.Errorf("%s: the model has no layer whose inputs can be observed", f.moments.layers)
		}
	}
	bar := a.reading("observing")
	_, err = await(ctx, func() (struct{}, error) {
		return struct{}{}, o.Files(ctx, batches, reading, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	if len(o.State) == 0 {
		if len(o.Skipped) > 0 {
			s := o.Skipped[0]
			return fmt.Errorf("%s: tensor %q cannot be observed: %s", s.File, s.Tensor, s.Reason)
		}
		return errors.New("there are no inputs of layers in the files")
	}
	state, err := o.State.MarshalBinary()
	if err != nil {
		return err
	}
	err = a.write(f.moments.path, func(w io.Writer, _ bool) error {
		_, err := w.Write(state)
		return err
	})
	if err != nil || !f.moments.only(f) {
		return err
	}
	return a.write("", func(w io.Writer, color bool) error {
		return report.WriteMoments(w, observedMoments(o.State), momentLines(o.Skipped), color, width(w))
	})
}

// observedMoments returns the rows of the report.
func observedMoments(s moments.State) (all []report.ObservedMoments) {
	for _, name := range s.Names() {
		m := s[name]
		rows, skipped := m.Rows()
		all = append(all, report.ObservedMoments{Name: name, Inputs: m.Inputs(), Extent: m.Extent().String(), Rows: rows, Skipped: skipped})
	}
	return all
}

// momentLines returns a line for each different reason why something was not observed.
func momentLines(all []moments.Skipped) []string {
	var lines []string
	seen := make(map[string]bool)
	for _, s := range all {
		if line := fmt.Sprintf("%s: %s", s.Tensor, s.Reason); !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return lines
}

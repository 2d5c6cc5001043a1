package calibration

import (
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
)

// File returns the calibration file with the parameters that s gives to all tensors. s must
// have the granularity of the calibration, and a method that the observers keep enough for. The
// error names the tensor.
func (c *Calibration) File(s quant.Scheme) (*calibfile.File, error) {
	seen, err := c.seen()
	if err != nil {
		return nil, err
	}
	return calibfile.New(seen, s)
}

// State returns the bytes of a state file. Except for moving averages, the same values give the
// same bytes, regardless of the files, their order and the order of merges.
func (c *Calibration) State() ([]byte, error) {
	seen, err := c.seen()
	if err != nil {
		return nil, err
	}
	return calibfile.State(seen)
}

// seen returns the observations as calibfile.Seen.
func (c *Calibration) seen() (map[string]*calibfile.Seen, error) {
	all := make(map[string]*calibfile.Seen, len(c.tensors))
	for name, t := range c.tensors {
		o, err := t.whole()
		if err != nil {
			return nil, inTensor(name, err)
		}
		all[name] = &calibfile.Seen{Observer: o, Batches: t.batches, Shape: t.shape, File: t.first}
	}
	return all, nil
}

// ReadState returns the Calibration of a state file. Its options are those of the tensors.
func ReadState(path string) (*Calibration, error) {
	seen, err := calibfile.ReadState(path)
	if err != nil {
		return nil, err
	}
	return ofSeen(seen), nil
}

// ofSeen returns the Calibration with the given observations.
func ofSeen(seen map[string]*calibfile.Seen) *Calibration {
	c := &Calibration{tensors: make(map[string]*tensor, len(seen))}
	for name, x := range seen {
		c.o = Options{Scheme: x.Observer.Scheme(), Policy: x.Observer.Policy()}
		t := &tensor{name: name, first: x.File, params: x.Observer.Len(), batches: x.Batches, shape: x.Shape}
		t.observers = []*quant.Observer{x.Observer}
		t.idle = slices.Clone(t.observers)
		c.tensors[name] = t
	}
	return c
}

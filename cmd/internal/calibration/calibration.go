// Package calibration chooses the ranges of tensors, such as activations, that
// come in batches: it observes files, keeps what it saw in a state that can be
// merged with others, and writes the calibration file that quant quantize
// reads.
package calibration

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Options say what to observe, and for which scheme.
type Options struct {
	Scheme  quant.Scheme
	Policy  quant.NotFinitePolicy
	Name    string   // of tensors that have none in their file, see Name
	Tensors []string // patterns of names, as option.Match has them; none for all

	Reading tensorfile.Reading // of batches that are text
}

// A Calibration is what is known of tensors by their names. Except for moving
// averages, nothing in it tells in what order, or by how many goroutines or
// processes, they were observed.
type Calibration struct {
	o Options

	mu      sync.Mutex
	tensors map[string]*tensor
}

// A tensor is all batches of one name.
type tensor struct {
	name    string
	first   string // the file that had it first, or the state
	params  int    // scales
	batches uint64
	shape   shape

	// Workers observe a tensor at the same time, each with an observer of its
	// own; those that none works with are idle.
	observers, idle []*quant.Observer
}

// A shape is what batches have in common: lengths of axes, 0 for one that
// varies; nil if not even the number of axes is the same.
type shape []int

// join returns what s and t have in common.
func (s shape) join(t shape) shape {
	if len(s) != len(t) {
		return nil
	}
	s = slices.Clone(s)
	for i := range s {
		if s[i] != t[i] {
			s[i] = 0
		}
	}
	return s
}

// New returns a Calibration without tensors. Errors are those of
// quant.NewObserver.
func New(o Options) (*Calibration, error) {
	if _, err := quant.NewObserver(o.Scheme, o.Policy); err != nil {
		return nil, err
	}
	return &Calibration{o: o, tensors: make(map[string]*tensor)}, nil
}

// Options returns the options, which are those of the first state if it was
// made from one.
func (c *Calibration) Options() Options { return c.o }

// Observe sets what Options say of names, for one made from a state.
func (c *Calibration) Observe(name string, tensors []string, as tensorfile.Reading) {
	c.o.Name, c.o.Tensors, c.o.Reading = name, tensors, as
}

// Len is the number of tensors.
func (c *Calibration) Len() int { return len(c.tensors) }

// ordered reports whether the order of batches means something.
func (c *Calibration) ordered() bool {
	return strings.HasPrefix(c.o.Scheme.Method.String(), "ema=")
}

// find returns the tensor of a batch of some shape in a file.
func (c *Calibration) find(name, file string, of []int) (*tensor, error) {
	n, err := c.o.Scheme.NumParams(of)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tensors[name]
	if t == nil {
		t = &tensor{name: name, first: file, params: n, shape: slices.Clone(of)}
		c.tensors[name] = t
	}
	if t.params != n {
		return nil, fmt.Errorf("%d %s where %s has %d", n, c.parts(), t.first, t.params)
	}
	t.batches++
	t.shape = t.shape.join(of)
	return t, nil
}

// parts is what a scheme has several scales of.
func (c *Calibration) parts() string {
	if _, grouped := c.o.Scheme.Granularity.GroupSize(); grouped {
		return "groups"
	}
	return "channels"
}

// observer returns an observer of t that nobody works with; done gives it back.
func (c *Calibration) observer(t *tensor) *quant.Observer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(t.idle); n > 0 {
		o := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return o
	}
	o, err := quant.NewObserver(c.o.Scheme, c.o.Policy)
	if err != nil {
		panic(err) // New has tried it
	}
	t.observers = append(t.observers, o)
	return o
}

func (c *Calibration) done(t *tensor, o *quant.Observer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.idle = append(t.idle, o)
}

// whole merges the observers of t into one.
func (t *tensor) whole() (*quant.Observer, error) {
	for _, o := range t.observers[1:] {
		if err := t.observers[0].Merge(o); err != nil {
			return nil, err
		}
	}
	t.observers = t.observers[:1]
	t.idle = slices.Clone(t.observers)
	return t.observers[0], nil
}

// names lists the tensors in order.
func (c *Calibration) names() []string { return slices.Sorted(maps.Keys(c.tensors)) }

// Merge adds what other has seen, which must not be used any more. Errors name
// the tensor.
func (c *Calibration) Merge(other *Calibration) error {
	for _, name := range other.names() {
		u := other.tensors[name]
		from, err := u.whole()
		if err != nil {
			return inTensor(name, err)
		}
		t := c.tensors[name]
		if t == nil {
			c.tensors[name] = u
			continue
		}
		to, err := t.whole()
		if err != nil {
			return inTensor(name, err)
		}
		if t.params != u.params {
			return inTensor(name, fmt.Errorf("%d %s where %s has %d", u.params, c.parts(), t.first, t.params))
		}
		if t.batches+u.batches < t.batches {
			return inTensor(name, errors.New("too many batches"))
		}
		if err := to.Merge(from); err != nil {
			return inTensor(name, err)
		}
		t.batches += u.batches
		t.shape = t.shape.join(u.shape)
	}
	return nil
}

func inTensor(name string, err error) error {
	return fmt.Errorf("tensor %q: %w", text.Clean(name), trimmed{err})
}

// trimmed is an error without the name of the library.
type trimmed struct{ error }

func (e trimmed) Error() string { return strings.TrimPrefix(e.error.Error(), "quant: ") }
func (e trimmed) Unwrap() error { return e.error }

// picked reports whether a tensor is wanted.
func (c *Calibration) picked(name string) bool {
	return option.Selection{Include: c.o.Tensors}.Picks(name)
}

// granularity is that of the scheme, if it has channels.
func (c *Calibration) granularity() quant.Granularity {
	if _, grouped := c.o.Scheme.Granularity.GroupSize(); grouped {
		return quant.PerTensor
	}
	return c.o.Scheme.Granularity
}

// wholesale reports whether a batch has to be observed in one piece: groups
// are numbered by their place in the tensor, and a moving average takes what it
// is given for a batch.
func (c *Calibration) wholesale() bool {
	_, grouped := c.o.Scheme.Granularity.GroupSize()
	return grouped || c.ordered()
}

// axis is that of the channels, from the front; -1 if there is none.
func (c *Calibration) axis(of []int) int {
	if axis, ok := c.granularity().Axis(); ok {
		return (axis + len(of)) % len(of)
	}
	return -1
}

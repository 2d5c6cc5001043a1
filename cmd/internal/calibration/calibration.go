// Package calibration chooses the ranges of tensors that come in batches, such as activations.
// It observes files, keeps the observations in a state that can be merged with other states,
// and writes the calibration file that quant quantize reads.
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
	Name    string   // pattern for names of tensors that have none in their file, see Name
	Tensors []string // patterns of names, as option.Match has them; none for all

	Reading tensorfile.Reading // of batches that are text
}

// A Calibration has the observations of tensors, by their names. Except for moving averages, it
// does not depend on the order of the observations, or on the number of goroutines or
// processes.
type Calibration struct {
	o Options

	mu      sync.Mutex
	tensors map[string]*tensor
	passed  []string // some names of tensors that no pattern of Options.Tensors matches
}

// A tensor has the observations of all batches with one name.
type tensor struct {
	name    string
	first   string // the first file with the tensor, or the state
	params  int    // number of scales
	batches uint64
	shape   shape

	// Several workers observe a tensor at the same time, each with its own observer. idle has
	// the observers that no worker uses.
	observers, idle []*quant.Observer
}

// A shape is the common shape of batches. An axis whose length varies is 0. The shape is nil if
// the number of axes varies.
type shape []int

// join returns the common shape of s and t.
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

// New returns a Calibration without tensors. Errors are those of quant.NewObserver.
func New(o Options) (*Calibration, error) {
	if _, err := quant.NewObserver(o.Scheme, o.Policy); err != nil {
		return nil, err
	}
	return &Calibration{o: o, tensors: make(map[string]*tensor)}, nil
}

// Options returns the options of c. For a Calibration from states they are those of the first
// state.
func (c *Calibration) Options() Options { return c.o }

// Observe sets the options about names and text, for a Calibration that was read from a state.
func (c *Calibration) Observe(name string, tensors []string, as tensorfile.Reading) {
	c.o.Name, c.o.Tensors, c.o.Reading = name, tensors, as
}

// Len returns the number of tensors.
func (c *Calibration) Len() int { return len(c.tensors) }

// ordered reports whether the results depend on the order of batches.
func (c *Calibration) ordered() bool {
	return strings.HasPrefix(c.o.Scheme.Method.String(), "ema=")
}

// find returns the tensor of a batch with the given shape in a file.
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

// parts returns what has its own scale, for messages: channels or groups.
func (c *Calibration) parts() string {
	if _, grouped := c.o.Scheme.Granularity.GroupSize(); grouped {
		return "groups"
	}
	return "channels"
}

// observer returns an observer of t that no other worker uses. done returns it to t.
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
		panic(err) // New has made such an observer without an error
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

// names returns the names of the tensors in order.
func (c *Calibration) names() []string { return slices.Sorted(maps.Keys(c.tensors)) }

// Merge adds the observations of other, which must not be used afterwards. Errors name the
// tensor.
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

// A trimmed is an error whose text does not begin with "quant: ".
type trimmed struct{ error }

func (e trimmed) Error() string { return strings.TrimPrefix(e.error.Error(), "quant: ") }
func (e trimmed) Unwrap() error { return e.error }

// picked reports whether the tensor with the given name is observed.
func (c *Calibration) picked(name string) bool {
	if (option.Selection{Include: c.o.Tensors}).Picks(name) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.passed) < 1000 {
		c.passed = append(c.passed, name)
	}
	return false
}

// Passed returns names of tensors that were in files, but match no pattern of Options.Tensors: up to
// a thousand, in order and without duplicates.
func (c *Calibration) Passed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(c.passed)))
}

// granularity returns the granularity of the scheme, or PerTensor for groups.
func (c *Calibration) granularity() quant.Granularity {
	if _, grouped := c.o.Scheme.Granularity.GroupSize(); grouped {
		return quant.PerTensor
	}
	return c.o.Scheme.Granularity
}

// wholesale reports whether a batch must be observed as a whole. That is so for groups, which
// are numbered by their place in the tensor, and for moving averages, which count each observed
// piece as a batch.
func (c *Calibration) wholesale() bool {
	_, grouped := c.o.Scheme.Granularity.GroupSize()
	return grouped || c.ordered()
}

// axis returns the axis of the channels, counted from the front, or -1.
func (c *Calibration) axis(of []int) int {
	if axis, ok := c.granularity().Axis(); ok {
		return (axis + len(of)) % len(of)
	}
	return -1
}

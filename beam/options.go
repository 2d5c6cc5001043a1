// Package beam calibrates and compares tensors that are too many for one
// machine, with pipelines of Apache Beam. docs/distributed.md of this project
// says when to use it and how to start it.
//
// What was seen of a tensor merges exactly: the parameters, and the files
// written from them, are the same bytes as those of quant calibrate on one
// machine, however a runner cuts the data into bundles.
package beam

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/beam/report"
)

// Options say which tensors are read and for which scheme they are observed.
type Options struct {
	// Scheme is the text form of a quant.Scheme: a pipeline is built on one
	// machine and runs on others, so that its fields have to be plain text.
	Scheme string

	IgnoreNotFinite bool     // leave NaN and infinities out, and count them
	Name            string   // the name of tensors of .npy files, as of quant calibrate --name
	Tensors         []string // patterns of the names to read; none for all
	SkipBad         bool     // a bad file goes to the output of bad files and is no error

	// FanOut is how many workers merge what was seen of one tensor before one of
	// them merges the rest. At most 1 is for one step. The result is the same.
	FanOut int
}

// NewOptions returns options for a scheme, whose names of .npy files are those
// of the files without their extension.
func NewOptions(s quant.Scheme) (Options, error) {
	text, err := s.MarshalText()
	if err != nil {
		return Options{}, err
	}
	o := Options{Scheme: string(text), Name: "{stem}"}
	_, err = o.scheme()
	return o, err
}

// scheme returns the scheme, if it is one whose observers merge exactly.
func (o Options) scheme() (quant.Scheme, error) {
	s, err := quant.ParseScheme(o.Scheme)
	if err != nil {
		return s, err
	}
	if strings.HasPrefix(s.Method.String(), "ema=") {
		return s, errors.New("moving averages depend on the order of the batches, which a distributed run does not keep")
	}
	return s, s.Validate()
}

func (o Options) policy() quant.NotFinitePolicy {
	if o.IgnoreNotFinite {
		return quant.IgnoreNotFinite
	}
	return quant.RefuseNotFinite
}

// grouped reports whether the scheme has groups: a batch is observed as a
// whole then, because groups are numbered by their place in it.
func grouped(s quant.Scheme) bool {
	_, ok := s.Granularity.GroupSize()
	return ok
}

// name returns the name of a tensor that has none in its file.
func (o Options) name(file string) string {
	dir, base := path.Split(file)
	folder := path.Base(dir)
	if dir == "" {
		folder = "."
	}
	return strings.NewReplacer("{stem}", strings.TrimSuffix(base, path.Ext(base)), "{folder}", folder).Replace(o.Name)
}

// picked reports whether a tensor is to be read.
func (o Options) picked(name string) bool { return report.Picked(o.Tensors, name) }

// clean is an error without the name of the library.
func clean(err error) string { return strings.TrimPrefix(err.Error(), "quant: ") }

// inTensor names the file and the tensor of an error.
func inTensor(file, name string, err error) error {
	return fmt.Errorf("%s: tensor %q: %s", file, name, clean(err))
}

// Package beam calibrates and compares tensors that are too large for one machine, with
// pipelines of Apache Beam. docs/distributed.md of this project describes when and how to use
// it.
//
// Merging observations is exact. So the parameters, and the files with them, have the same
// bytes as those of quant calibrate on one machine, for any division of the data into bundles.
package beam

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/beam/report"
)

// Options say which tensors are read, and for which scheme they are observed.
type Options struct {
	// Scheme is the text form of a quant.Scheme. Options have text fields since a pipeline is
	// built on one machine and runs on others.
	Scheme string

	IgnoreNotFinite bool     // leave NaN and infinities out, and count them
	Name            string   // pattern for the names of tensors in .npy files, as quant calibrate --name
	Tensors         []string // patterns of the names to read; none for all
	SkipBad         bool     // whether a bad file is an output instead of an error

	// FanOut is the number of workers that merge the observations of one tensor, before one of
	// them merges the rest. With at most 1, a single worker merges all. The result is the same.
	FanOut int
}

// NewOptions returns options for a scheme. The names of tensors in .npy files are those of the
// files without their extension.
func NewOptions(s quant.Scheme) (Options, error) {
	text, err := s.MarshalText()
	if err != nil {
		return Options{}, err
	}
	o := Options{Scheme: string(text), Name: "{stem}"}
	_, err = o.scheme()
	return o, err
}

// scheme returns the scheme. It returns an error unless observers of the scheme merge exactly.
func (o Options) scheme() (quant.Scheme, error) {
	s, err := quant.ParseScheme(o.Scheme)
	if err != nil {
		return s, err
	}
	if strings.HasPrefix(s.Method.String(), "ema=") {
		return s, errors.New("moving averages depend on the order of the batches, which a distributed run does not keep")
	}
	if _, _, _, _, block := s.Granularity.Block(); block {
		return s, fmt.Errorf("batches have no parameters %v, which a calibration file has no place for", s.Granularity)
	}
	return s, s.Validate()
}

func (o Options) policy() quant.NotFinitePolicy {
	if o.IgnoreNotFinite {
		return quant.IgnoreNotFinite
	}
	return quant.RefuseNotFinite
}

// grouped reports whether the scheme has groups. A batch is then observed as a whole, since
// groups are numbered by their place in it.
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

// clean returns the text of an error without the name of the library.
func clean(err error) string { return strings.TrimPrefix(err.Error(), "quant: ") }

// inTensor adds the names of the file and of the tensor to an error.
func inTensor(file, name string, err error) error {
	return fmt.Errorf("%s: tensor %q: %s", file, name, clean(err))
}

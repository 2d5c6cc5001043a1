package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// tolerance is by how much an operation may be slower than in an earlier report: 15 per cent.
const tolerance = 0.15

// A Slower is an operation that has become slower.
type Slower struct {
	Elements int
	Name     string
	Factor   float64 // of the earlier ratio, to reading or to copying, whichever is larger
}

// ReadReport reads the JSON of a report.
func ReadReport(path string) (*Report, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: not a report of quant bench: %w", path, err)
	}
	if len(r.Sizes) == 0 {
		return nil, fmt.Errorf("%s: not a report of quant bench: no sizes", path)
	}
	return r, nil
}

// Against returns the operations of r that are more than 15 per cent slower than in an earlier
// report, and the number of operations that both have. Speeds are compared as ratios to reading
// and to copying in the same report, and both ratios must be smaller by that much: a machine that
// is faster or busier as a whole then makes no difference. It is an error if the reports are of
// different instruction sets or have no operation in common.
func (r *Report) Against(earlier *Report) (slower []Slower, common int, err error) {
	if now, then := r.Machine.InstructionSet, earlier.Machine.InstructionSet; now != then {
		return nil, 0, fmt.Errorf("measured with %s kernels, but here with %s", then, now)
	}
	type key struct {
		elements int
		name     string
	}
	old := map[key]*Result{}
	for i := range earlier.Sizes {
		s := &earlier.Sizes[i]
		for j := range s.Results {
			old[key{s.Elements, s.Results[j].Name}] = &s.Results[j]
		}
	}
	for _, s := range r.Sizes {
		for _, x := range s.Results {
			o := old[key{s.Elements, x.Name}]
			if o == nil || o.ToRead <= 0 || o.ToCopy <= 0 {
				continue
			}
			common++
			if f := max(x.ToRead/o.ToRead, x.ToCopy/o.ToCopy); f < 1-tolerance {
				slower = append(slower, Slower{s.Elements, x.Name, f})
			}
		}
	}
	if common == 0 {
		return nil, 0, fmt.Errorf("no size and operation in common")
	}
	return slower, common, nil
}

// SlowerError is the error for operations that have become slower than in the report at path.
func SlowerError(path string, slower []Slower, common int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d operations are more than %.0f %% slower than in %s: ", len(slower), common, 100*tolerance, path)
	for i, s := range slower {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s, %s elements (%s times as fast)", s.Name, text.Count(s.Elements), significant(s.Factor))
	}
	return fmt.Errorf("%s", b.String())
}

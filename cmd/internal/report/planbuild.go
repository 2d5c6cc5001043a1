package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// BuildPlan measures each candidate on each weight of src, and chooses.
func BuildPlan(ctx context.Context, name string, src Source, o PlanOptions, progress text.Progress) (*Plan, error) {
	if o.Candidates == nil {
		o.Candidates = o.Target.Candidates()
	}
	o.Mapping = cmp.Or(o.Mapping, quant.Symmetric.String())
	o.Method = cmp.Or(o.Method, quant.LeastSquares.String())
	o.Objective = cmp.Or(o.Objective, PlanSum)
	o.Fixed, o.Alike, o.Factors = orEmpty(o.Fixed), orEmpty(o.Alike), orEmpty(o.Factors)
	if err := o.Validate(); err != nil {
		return nil, err
	}
	candidates, err := o.candidates()
	if err != nil {
		return nil, err
	}
	p := &Plan{Version: PlanVersion, Source: name, Weights: []PlanWeight{}, FileNotes: NotesOf(src)}
	p.base = Report{Source: name, Options: Options{Bits: 8, Mapping: o.Mapping, Tensors: o.Names}, Skipped: []Skipped{}}
	jobs, err := p.base.plan(src.Tensors())
	if err != nil {
		return nil, err
	}
	p.base.Skipped, p.base.Summary.Skipped = append(p.base.Skipped, o.Left...), p.base.Summary.Skipped+len(o.Left)
	if o.importance == nil {
		o.Importance = ""
	}
	p.Options = o
	p.Weights, err = collect(newWork(ctx, src, progress, jobs), &p.base, func(w *work, i int) (*PlanWeight, error) {
		return planOne(w, jobs[i], candidates, &o)
	})
	p.Skipped = p.base.Skipped
	if err != nil {
		return nil, err
	}
	if err := p.sameUnit(); err != nil {
		return nil, err
	}
	if err := noImportance(o.importance, name, p.weighted()); err != nil {
		return nil, err
	}
	return p, p.choose(ctx)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// planOne measures all candidates on one weight.
func planOne(w *work, j job, candidates []planCandidate, o *PlanOptions) (*PlanWeight, error) {
	x := &PlanWeight{Name: j.info.Name, Shape: dims(j.info.Shape), Elements: j.elements, source: j.info.Bytes, Error: PlanOfWeights}
	outputs, err := x.outputsOf(w, j, o)
	if err != nil {
		return nil, err
	}
	important, err := x.importanceOf(w, j, candidates, o)
	if err != nil {
		return nil, err
	}
	x.ways = make([]planWay, len(candidates))
	var schemes []quant.Scheme
	var at []int // index of each in candidates
	reads, k := 0, 0
	for i := range candidates {
		c := &candidates[i]
		x.ways[i] = planWay{name: c.name, noise: math.NaN()}
		if c.keep {
			x.ways[i] = planWay{name: c.name, scheme: Keep, bytes: j.info.Bytes}
			continue
		}
		if c.blocks {
			reads++
			continue
		}
		s, err := c.of(j, SweepOptions{Mapping: quant.Asymmetric.String()})
		if err != nil {
			return nil, err
		}
		if !o.Target.holds(s, j.shape) {
			continue
		}
		schemes, at = append(schemes, s), append(at, i)
	}
	rounds := batches(schemes, j)
	reads += readsOf(rounds...)
	src, err := w.open(j, reads)
	if err != nil {
		return nil, err
	}
	defer src.finish()
	for _, round := range rounds {
		c, weighted, err := compareBy(src, j, important.of(), round)
		if err != nil {
			return nil, err
		}
		for i, r := range c.Results {
			way := &x.ways[at[k]]
			if weighted != nil {
				x.weigh(way, weighted[i].WeightedMetrics)
			}
			way.noise = float64(j.elements) * r.RMSE * r.RMSE
			way.bytes = o.Target.bytes(r.Params.Scheme, j.elements, len(r.Params.Scale))
			text, err := schemes[k].MarshalText()
			if err != nil {
				return nil, err
			}
			way.scheme = string(text)
			x.signal = max(x.signal, signalOf(way.noise, r.SQNR))
			if err := outputs.params(x, way, r.Params); err != nil {
				return nil, fmt.Errorf("candidate %s: %w", way.name, err)
			}
			k++
		}
	}
	for i := range candidates {
		if c := &candidates[i]; c.blocks {
			if err := x.measureBlocks(src, j, c, i, outputs, important); err != nil {
				return nil, err
			}
		}
	}
	x.ways = slices.DeleteFunc(x.ways, func(w planWay) bool { return math.IsNaN(w.noise) })
	if len(x.ways) == 0 {
		return nil, errors.New("no candidate goes with its shape")
	}
	return x, nil
}

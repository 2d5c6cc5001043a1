package report

import (
	"errors"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/moments"
)

// TestSameUnit has two weights with known inputs and one without.
func TestSameUnit(t *testing.T) {
	weights := func(known bool) *Plan {
		p := &Plan{Weights: []PlanWeight{
			{Name: "a", Error: PlanFull, signal: 1000, energy: 10, square: 4, ways: []planWay{{noise: 2}}},  // gain 25
			{Name: "b", Error: PlanDiagonal, signal: 16, energy: 8, square: 2, ways: []planWay{{noise: 2}}}, // gain 1
			{Name: "c", Error: PlanFull, signal: 72, energy: 3, square: 3, ways: []planWay{{noise: 2}}},     // gain 8
			{Name: "d", Error: PlanOfWeights, signal: 5, ways: []planWay{{noise: 0.5}}},
		}}
		if !known {
			p.Weights = p.Weights[3:]
		}
		p.Options.Inputs = func(string, []int) (*moments.Inputs, error) { return nil, nil }
		return p
	}
	p := weights(true)
	if err := p.sameUnit(); err != nil {
		t.Fatal(err)
	}
	d := &p.Weights[3]
	if d.signal != 15 || d.ways[0].noise != 1.5 { // the mean of the mean squares is 3
		t.Errorf("signal %v and noise %v, want 15 and 1.5", d.signal, d.ways[0].noise)
	}
	for objective, want := range map[string]float64{PlanSum: 1.5, PlanRelative: 1.5 / (15 * 8), PlanWorst: 1.5 / (15 * 8)} {
		if got := d.errorOf(d.ways[0].noise, &PlanOptions{Objective: objective}); got != want {
			t.Errorf("%s: error %v, want %v", objective, got, want)
		}
	}
	if a := &p.Weights[0]; a.errorOf(2, &PlanOptions{Objective: PlanRelative}) != 2.0/1000 {
		t.Error("the error of a weight with known inputs changed")
	}
	if err := weights(false).sameUnit(); !errors.Is(err, errNoInputs) {
		t.Errorf("no weight with inputs: %v", err)
	}
}

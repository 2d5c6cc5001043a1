package plan

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// manyWeights returns a problem of many small weights with the given number of candidates each.
func manyWeights(weights, candidates int) Problem {
	r := rand.New(rand.NewPCG(7, 8))
	var p Problem
	for range weights {
		w := Weight{Name: "w"}
		for k := range candidates {
			w.Candidates = append(w.Candidates, Candidate{strings.Repeat("k", k+1), 10 + r.Int64N(1000), r.Float64()})
		}
		p.Weights = append(p.Weights, w)
	}
	return p
}

// TestContext tests that searches that take minutes end with the context.
func TestContext(t *testing.T) {
	for name, f := range map[string]func(p *Problem) error{
		"kinds":      func(p *Problem) error { p.MaxKinds = 3; _, err := p.LeastError(1 << 20); return err },
		"many kinds": func(p *Problem) error { p.MaxKinds = 12; _, err := p.LeastBytes(500); return err },
		"front":      func(p *Problem) error { _, err := p.Front(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			p := manyWeights(2000, 40)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			p.Context = ctx
			start := time.Now()
			if err := f(&p); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 20*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

// TestFrontOfManyWeights tests that the front of the worst weight takes little time and memory: a
// plan for each of the errors would take 640 MB and half a minute.
func TestFrontOfManyWeights(t *testing.T) {
	p := manyWeights(2000, 40)
	p.Objective = Worst
	start := time.Now()
	f, err := p.Front()
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the front took %v", took)
	}
	for _, i := range []int{0, len(f.Points) / 3, len(f.Points) - 1} {
		q := f.Plan(i)
		if q.Bytes != f.Points[i].Bytes || q.Error != f.Points[i].Error {
			t.Errorf("point %d is %+v, and its plan has %d bytes and the error %v", i, f.Points[i], q.Bytes, q.Error)
		}
		if best, err := p.LeastError(q.Bytes); err != nil || best.Error != q.Error {
			t.Errorf("point %d has the error %v, and the best plan of its bytes %v; %v", i, q.Error, best.Error, err)
		}
	}
}

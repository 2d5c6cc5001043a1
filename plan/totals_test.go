package plan

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTotals tests that the points of a sequence of choices are those of Total, to the last bit.
func TestTotals(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 300 {
		p := manyWeights(1+r.IntN(40), 6)
		choice := make([]int, len(p.Weights))
		for i := range choice {
			choice[i] = r.IntN(6)
		}
		sums := newTotals(&p, slices.Clone(choice))
		var want []Point
		for range n % 30 {
			for range r.IntN(4) { // the same weight may change again
				w, c := r.IntN(len(choice)), r.IntN(6)
				choice[w] = c
				sums.change(w, c)
			}
			bytes, err := p.Total(choice)
			want = append(want, Point{bytes, err})
			sums.next()
		}
		bytes, errors := sums.all()
		if len(bytes) != len(want) || len(errors) != len(want) {
			t.Fatalf("%d and %d choices, want %d", len(bytes), len(errors), len(want))
		}
		for i, q := range want {
			if bytes[i] != q.Bytes || math.Float64bits(errors[i]) != math.Float64bits(q.Error) {
				t.Fatalf("choice %d of %d: %d bytes and the error %v, want %+v", i, len(want), bytes[i], errors[i], q)
			}
		}
	}
}

// TestPointsOfFront tests that each point of a front that is not exact has the bytes and the error of
// its plan, with weights that get their candidates together.
func TestPointsOfFront(t *testing.T) {
	p := model(120, 30, true)
	for i := range p.Weights {
		if i%5 < 2 {
			p.Weights[i].Alike = string(rune('a' + i%23))
		}
	}
	f, err := p.Front()
	if err != nil {
		t.Fatal(err)
	}
	if f.Bound == 0 {
		t.Fatal("the front is exact")
	}
	for i, want := range f.Points {
		if q := f.Plan(i); q.Bytes != want.Bytes || q.Error != want.Error {
			t.Fatalf("point %d is %+v, and its plan has %d bytes and the error %v", i, want, q.Bytes, q.Error)
		}
	}
}

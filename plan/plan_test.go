package plan

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// randomProblem makes a problem of up to so many weights and candidates. Errors are
// multiples of 1/8, so that their sums are exact in any order.
func randomProblem(r *rand.Rand, weights, candidates int) Problem {
	var p Problem
	names := strings.Split("abcdefghij", "")
	kinds := 1 + r.IntN(4)
	for range 1 + r.IntN(weights) {
		w := Weight{Name: "w"}
		for k := range 1 + r.IntN(candidates) {
			w.Candidates = append(w.Candidates, Candidate{names[k], r.Int64N(20), float64(r.IntN(40)) / 8})
		}
		switch r.IntN(6) {
		case 0:
			w.Alike = names[r.IntN(kinds)]
		case 1:
			w.Fixed = w.Candidates[r.IntN(len(w.Candidates))].Name
		case 2:
			w.Candidates[0].Error = math.Inf(1)
		}
		p.Weights = append(p.Weights, w)
	}
	p.Objective = Objective(r.IntN(2))
	if r.IntN(3) == 0 {
		p.MaxKinds = 1 + r.IntN(3)
	}
	return p
}

// allChoices calls f with every choice that keeps the constraints.
func (p *Problem) allChoices(f func(choice []int)) {
	choice := make([]int, len(p.Weights))
	var choose func(i int, kinds []string)
	choose = func(i int, kinds []string) {
		if i == len(choice) {
			f(choice)
			return
		}
		w := &p.Weights[i]
		for c, q := range w.Candidates {
			if w.Fixed != "" && w.Fixed != q.Name || math.IsInf(q.Error, 1) || !p.alike(choice[:i], w.Alike, q.Name) {
				continue
			}
			more := kinds
			if !slices.Contains(kinds, q.Name) {
				more = append(slices.Clone(kinds), q.Name)
			}
			if p.MaxKinds > 0 && len(more) > p.MaxKinds {
				continue
			}
			choice[i] = c
			choose(i+1, more)
		}
	}
	choose(0, nil)
}

func (p *Problem) alike(choice []int, group, name string) bool {
	for i, c := range choice {
		if group != "" && p.Weights[i].Alike == group && p.Weights[i].Candidates[c].Name != name {
			return false
		}
	}
	return true
}

// TestAgainstBruteForce tries every assignment of thousands of small problems.
func TestAgainstBruteForce(t *testing.T) {
	n := 4000
	if testing.Short() {
		n = 100
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		p := randomProblem(r, 8, 5)
		if p.Validate() != nil {
			continue
		}
		best := map[int64]float64{} // for each limit of bytes the least error
		fewest := map[float64]int64{}
		p.allChoices(func(choice []int) {
			bytes, err := p.Total(choice)
			if e, ok := best[bytes]; !ok || err < e {
				best[bytes] = err
			}
			if b, ok := fewest[err]; !ok || bytes < b {
				fewest[err] = bytes
			}
		})
		checkLeastError(t, &p, best)
		checkLeastBytes(t, &p, fewest)
		if p.MaxKinds == 0 {
			checkFront(t, &p, best)
		}
		if t.Failed() {
			t.Fatalf("%+v", p)
		}
	}
}

func checkLeastError(t *testing.T, p *Problem, best map[int64]float64) {
	for bytes := int64(0); bytes <= 160; bytes += 7 {
		want, found := math.Inf(1), false
		for b, e := range best {
			if b <= bytes && e < want {
				want, found = e, true
			}
		}
		got, err := p.LeastError(bytes)
		switch {
		case !found:
			if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrProblem) {
				t.Errorf("%d bytes: %+v, %v, where none is possible", bytes, got, err)
			}
		case err != nil || got.Error != want || got.Bytes > bytes || got.Gap != 0:
			t.Errorf("%d bytes: %+v, %v, want error %v", bytes, got, err, want)
		default:
			checkPlan(t, p, got)
		}
	}
}

func checkLeastBytes(t *testing.T, p *Problem, fewest map[float64]int64) {
	for most := 0.0; most <= 40; most += 1.75 {
		want, found := int64(math.MaxInt64), false
		for e, b := range fewest {
			if e <= most && b < want {
				want, found = b, true
			}
		}
		got, err := p.LeastBytes(most)
		switch {
		case !found:
			if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrProblem) {
				t.Errorf("error %v: %+v, %v, where none is possible", most, got, err)
			}
		case err != nil || got.Bytes != want || got.Error > most || got.Gap != 0:
			t.Errorf("error %v: %+v, %v, want %d bytes", most, got, err, want)
		default:
			checkPlan(t, p, got)
		}
	}
}

// checkPlan checks that a plan is what it says, and keeps the constraints.
func checkPlan(t *testing.T, p *Problem, got Plan) {
	bytes, err := p.Total(got.Choice)
	if bytes != got.Bytes || err != got.Error {
		t.Errorf("%+v: comes to %d bytes and the error %v", got, bytes, err)
	}
	names := p.Names(got.Choice)
	for i, w := range p.Weights {
		if w.Fixed != "" && names[i] != w.Fixed || !p.alike(got.Choice[:i], w.Alike, names[i]) {
			t.Errorf("%+v: weight %d has %q", got, i, names[i])
		}
	}
	if kinds := slices.Compact(slices.Sorted(slices.Values(names))); p.MaxKinds > 0 && len(kinds) > p.MaxKinds {
		t.Errorf("%+v: has the kinds %q", got, kinds)
	}
}

func checkFront(t *testing.T, p *Problem, best map[int64]float64) {
	f, err := p.Front()
	if len(best) == 0 {
		if err == nil && len(f.Points) > 0 {
			t.Errorf("front %+v where no plan is possible", f.Points)
		}
		return
	}
	if err != nil {
		t.Errorf("front: %v", err)
		return
	}
	var want []Point
	for bytes := int64(0); bytes <= 160; bytes++ {
		if e, ok := best[bytes]; ok && (len(want) == 0 || e < want[len(want)-1].Error) {
			want = append(want, Point{bytes, e})
		}
	}
	if !slices.Equal(f.Points, want) || f.Bound != 0 {
		t.Errorf("front %v within %v, want %v", f.Points, f.Bound, want)
		return
	}
	for i, q := range f.Points {
		got := f.Plan(i)
		if checkPlan(t, p, got); got.Bytes != q.Bytes || got.Error != q.Error {
			t.Errorf("point %d is %+v, and its plan %+v", i, q, got)
		}
		if f.At(q.Bytes) != i || f.At(q.Bytes-1) != i-1 {
			t.Errorf("At(%d) is %d", q.Bytes, f.At(q.Bytes))
		}
	}
}

// model makes a problem like that of a model: sizes over three orders of magnitude, and
// errors that fall by 6 dB for each bit, with some noise. Bytes are those of codes and of
// scales of groups, or arbitrary.
func model(weights, candidates int, arbitrary bool) Problem {
	r := rand.New(rand.NewPCG(3, 4))
	var p Problem
	for range weights {
		w := Weight{Name: "w"}
		n := 32 * int64(math.Exp(r.Float64()*7)*30)
		energy := math.Exp(r.NormFloat64() * 2)
		for k := range candidates {
			bits := 2 + k%7
			groups := n / int64(32<<(k/7))
			c := Candidate{
				Name:  string(rune('A' + k)),
				Bytes: n*int64(bits)/8 + 8*groups,
				Error: energy * float64(n) * math.Pow(4, -float64(bits)) * (0.7 + r.Float64()*0.6) * (1 + float64(k/7)/4),
			}
			if arbitrary {
				c.Bytes += r.Int64N(n / 20)
			}
			w.Candidates = append(w.Candidates, c)
		}
		p.Weights = append(p.Weights, w)
	}
	return p
}

// TestLargeModel: a thousand weights with forty candidates are planned in about a second,
// and the plan is proved to be the best, or closer to it than anybody could measure.
func TestLargeModel(t *testing.T) {
	for name, worst := range map[string]float64{"codes and scales": 1e-4, "arbitrary": 1e-3} {
		t.Run(name, func(t *testing.T) {
			p := model(1000, 40, worst > 1e-4)
			if testing.Short() {
				p.Weights = p.Weights[:25]
			}
			f := func(most bool) (total int64) {
				for _, w := range p.Weights {
					best := w.Candidates[0].Bytes
					for _, c := range w.Candidates {
						if c.Bytes > best == most {
							best = c.Bytes
						}
					}
					total += best
				}
				return total
			}
			least, most := f(false), f(true)
			for _, part := range []int64{1, 20, 50, 80, 99} {
				limit := least + (most-least)*part/100
				start := time.Now()
				q, err := p.LeastError(limit)
				t.Logf("%d %%: %v, error %.6g, gap %.2g, with %d of %d bytes", part, time.Since(start), q.Error, q.Gap, q.Bytes, limit)
				if err != nil || q.Gap > worst*q.Error || q.Bytes > limit {
					t.Errorf("%d %%: %d of %d bytes, error %v, gap %v, %v", part, q.Bytes, limit, q.Error, q.Gap, err)
				}
				again, err := p.LeastBytes(q.Error)
				if err != nil || float64(again.Bytes)-again.Gap > float64(q.Bytes) || again.Error > q.Error*(1+1e-12) {
					t.Errorf("%d %%: the fewest bytes for the error %v are %d, not %d; %v", part, q.Error, again.Bytes, q.Bytes, err)
				}
			}
		})
	}
}

// TestLargeFront: a front that is too large to be whole has exact points, and says how
// far the least error may be below it.
func TestLargeFront(t *testing.T) {
	p := model(300, 20, true)
	if testing.Short() {
		p.Weights = p.Weights[:200]
	}
	start := time.Now()
	f, err := p.Front()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d points, bound %v, %v", len(f.Points), f.Bound, time.Since(start))
	if f.Bound <= 0 || f.Bound > f.Points[0].Error/20 {
		t.Errorf("bound %v, where errors go from %v down to %v", f.Bound, f.Points[0].Error, f.Points[len(f.Points)-1].Error)
	}
	for i := 1; i < len(f.Points); i += 1 + len(f.Points)/20 {
		a, b := f.Points[i-1], f.Points[i]
		if a.Bytes >= b.Bytes || a.Error <= b.Error {
			t.Fatalf("points %d and %d: %+v, %+v", i-1, i, a, b)
		}
		if q := f.Plan(i); q.Bytes != b.Bytes || q.Error != b.Error {
			t.Errorf("point %d is %+v, and its plan has %d bytes and the error %v", i, b, q.Bytes, q.Error)
		}
		q, err := p.LeastError(b.Bytes)
		if err != nil || q.Error > b.Error || q.Error < b.Error-f.Bound {
			t.Errorf("point %d is %+v, and the least error %v; %v", i, b, q.Error, err)
		}
		q, err = p.LeastError(b.Bytes - 1)
		if err != nil || q.Error < a.Error-f.Bound*(1+1e-9) {
			t.Errorf("before point %d the least error is %v, below %v by more than %v; %v", i, q.Error, a.Error, f.Bound, err)
		}
	}
}

func TestProblemsRefused(t *testing.T) {
	good := Weight{Name: "good", Candidates: []Candidate{{"a", 1, 1}, {"b", 2, 0}}}
	for name, test := range map[string]struct {
		p    Problem
		text string
	}{
		"no weights":          {Problem{}, "no weights"},
		"no candidates":       {Problem{Weights: []Weight{good, {Name: "bare"}}}, `weight "bare" has no candidates`},
		"negative bytes":      {Problem{Weights: []Weight{{Name: "x", Candidates: []Candidate{{"a", -1, 0}}}}}, `"a" of weight "x" has -1 bytes`},
		"error is NaN":        {Problem{Weights: []Weight{{Name: "x", Candidates: []Candidate{{"a", 1, math.NaN()}}}}}, "has the error NaN"},
		"name twice":          {Problem{Weights: []Weight{{Name: "x", Candidates: []Candidate{{"a", 1, 1}, {"a", 2, 0}}}}}, `two candidates named "a"`},
		"fixed to nothing":    {Problem{Weights: []Weight{{Name: "x", Candidates: good.Candidates, Fixed: "c"}}}, `fixed to "c"`},
		"nothing in common":   {Problem{Weights: []Weight{{Name: "x", Candidates: good.Candidates[:1], Alike: "g"}, {Name: "y", Candidates: good.Candidates[1:], Alike: "g"}}}, `alike as "g"`},
		"too large":           {Problem{Weights: []Weight{{Name: "x", Candidates: []Candidate{{"a", math.MaxInt64, 0}}}}}, "more than 2^53 bytes"},
		"errors too large":    {Problem{Weights: []Weight{good, {Name: "x", Candidates: []Candidate{{"a", 1, 1e290}, {"b", 2, 0}}}}}, `up to "x" have a sum of more than 2^960`},
		"unknown objective":   {Problem{Weights: []Weight{good}, Objective: 9}, "no objective 9"},
		"only infinite error": {Problem{Weights: []Weight{{Name: "x", Candidates: []Candidate{{"a", 1, math.Inf(1)}}}}}, "infinite error"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := test.p.LeastError(100); !errors.Is(err, ErrProblem) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %q in it", err, test.text)
			}
		})
	}
	p := Problem{Weights: []Weight{good, good}}
	if _, err := p.LeastError(1); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "1 bytes are too few: the smallest plan takes 2") {
		t.Errorf("%v", err)
	}
	if _, err := p.LeastBytes(math.NaN()); !errors.Is(err, ErrLimit) {
		t.Errorf("%v", err)
	}
}

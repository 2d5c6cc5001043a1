// Package bench measures the speed of the library on this machine, and the speed of reading and
// copying the same data.
package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// MaxSize is the largest size, which takes 2.5 GiB. Sizes are multiples of RowLen.
const MaxSize = 1 << 28

// Options are what to measure.
type Options struct {
	Sizes []int         // numbers of elements
	Time  time.Duration // for each measurement
	Procs int           // GOMAXPROCS for the measurements
}

// DefaultOptions returns options for one core, and for sizes that fit into the first-level
// cache, the last-level cache and memory.
func DefaultOptions() Options {
	return Options{Sizes: []int{4096, 262144, 1 << 26}, Time: 300 * time.Millisecond, Procs: 1}
}

// Validate returns an error that says which option makes no sense.
func (o *Options) Validate() error {
	for _, n := range o.Sizes {
		if n <= 0 || n > MaxSize || n%RowLen != 0 {
			return fmt.Errorf("size %d is not a multiple of %d up to %d", n, RowLen, MaxSize)
		}
	}
	switch {
	case len(o.Sizes) == 0:
		return errors.New("no size to measure")
	case o.Time <= 0:
		return fmt.Errorf("time %v is not positive", o.Time)
	case o.Procs <= 0:
		return fmt.Errorf("%d processors are not positive", o.Procs)
	}
	return nil
}

// A Report is the result of a measurement. Its JSON is that of `quant bench`, which
// docs/json.md describes.
type Report struct {
	Machine Machine `json:"machine"`
	Seconds float64 `json:"seconds_per_measurement"`
	Sizes   []Size  `json:"sizes"`
}

// A Size is all operations on tensors of one size.
type Size struct {
	Elements int      `json:"elements"`
	Results  []Result `json:"results"`
}

// A Result is the result of one operation. Rates are in elements per second. Reading and
// copying are measured in turns with the operation.
type Result struct {
	Name        string  `json:"name"`
	Operation   string  `json:"operation"`
	Bits        *int    `json:"bits"`
	Granularity *string `json:"granularity"`
	PerSecond   float64 `json:"per_second"`
	ToRead      float64 `json:"to_read"`
	ToCopy      float64 `json:"to_copy"`
	ReadRate    float64 `json:"read_per_second"`
	CopyRate    float64 `json:"copy_per_second"`
}

// Run measures all operations. It calls progress with the number of finished measurements. When
// ctx is done, it stops between two calls and returns the error of ctx.
func Run(ctx context.Context, o Options, progress func(done, total int64)) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.Procs))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // only this function allocates much
	d := newData(slices.Max(o.Sizes))
	r := &Report{Machine: machine(o.Procs), Seconds: o.Time.Seconds()}
	var total, done int64 = int64(len(o.Sizes) * len(operations)), 0
	progress(0, total)
	for _, n := range o.Sizes {
		s := Size{Elements: n}
		d, err := d.sized(ctx, n)
		if err != nil {
			return nil, err
		}
		for _, op := range operations {
			res, err := measure(ctx, o.Time, d, &op)
			if err != nil {
				return nil, err
			}
			s.Results = append(s.Results, res)
			done++
			progress(done, total)
		}
		r.Sizes = append(r.Sizes, s)
	}
	return r, nil
}

// measure times an operation in turns with reading and copying, and returns the best time of
// each. Other programs on the machine then affect all three.
func measure(ctx context.Context, limit time.Duration, d *data, op *operation) (Result, error) {
	timers := []timer{{f: d.read}, {f: d.copy}}
	which := slices.Index([]string{read, copying}, op.verb)
	if which < 0 {
		f, err := op.prepare(d)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", op.name, err)
		}
		timers = append(timers, timer{f: f})
		which = 2
	}
	start := time.Now()
	for round := 0; round < minRounds || time.Since(start) < limit; round++ {
		for i := range timers {
			if err := ctx.Err(); err != nil {
				return Result{}, err
			}
			timers[i].sample()
		}
	}
	rate := func(t *timer) float64 { return float64(len(d.src)) / t.best }
	r := Result{
		Name: op.name, Operation: op.verb,
		PerSecond: rate(&timers[which]), ReadRate: rate(&timers[0]), CopyRate: rate(&timers[1]),
	}
	if op.bits > 0 {
		r.Bits = &op.bits
	}
	if op.granularity != "" {
		r.Granularity = &op.granularity
	}
	r.ToRead, r.ToCopy = r.PerSecond/r.ReadRate, r.PerSecond/r.CopyRate
	return r, nil
}

const (
	minRounds = 5

	// moment is the shortest time of a sample: long compared with the resolution of the clock,
	// and short compared with a time slice of the scheduler.
	moment = 200 * time.Microsecond
)

// A timer finds the shortest time of a call of f.
type timer struct {
	f     func()
	calls int     // calls in a sample
	best  float64 // seconds
}

// sample calls f for a moment.
func (t *timer) sample() {
	if t.calls == 0 {
		t.calls, t.best = 1, math.Inf(1)
	}
	if t.calls > 1 {
		t.f() // the first call fills the caches, and is not timed
	}
	for {
		start := time.Now()
		for range t.calls {
			t.f()
		}
		d := time.Since(start)
		if d >= moment {
			t.best = min(t.best, d.Seconds()/float64(t.calls))
			return
		}
		t.calls *= 2
	}
}

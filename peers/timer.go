package main

import "time"

// A timer keeps the shortest time that a call of f has taken.
type timer struct {
	f     func()
	calls int
	best  float64 // seconds
}

// moment is the least time of one measurement, as in peers.py. Short calls are repeated.
const moment = 200 * time.Microsecond

// sample repeats f until limit is over, at least for a moment.
func (t *timer) sample(limit time.Duration) {
	start := time.Now()
	if t.calls != 1 { // a call that fills the caches; slow functions do without
		t.f()
	}
	if t.calls == 0 {
		t.calls, t.best = 1, time.Since(start).Seconds()
	}
	for done := false; !done || time.Since(start) < limit; {
		batch := time.Now()
		for range t.calls {
			t.f()
		}
		d := time.Since(batch)
		if done = d >= moment; done {
			t.best = min(t.best, d.Seconds()/float64(t.calls))
		} else {
			t.calls *= 2
		}
	}
}

// Command peers measures this library and others that have the same operations, compares its
// codes with those of ONNX Runtime, and writes docs/benchmarks.md. The script named run installs
// the other libraries and starts it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("peers: ")
	var c config
	var sizes string
	flag.StringVar(&c.ort, "ort", "", "shared `library` of ONNX Runtime; without it that is left out")
	flag.StringVar(&c.python, "python", "", "`interpreter` with NumPy, perhaps with PyTorch; without it both are left out")
	flag.StringVar(&c.script, "script", "peers.py", "`file` for the interpreter")
	flag.StringVar(&c.state, "state", "", "`file` that keeps results, so that a run may be interrupted")
	flag.StringVar(&c.bench, "bench", "", "`file` with the output of quant bench")
	flag.StringVar(&c.out, "out", "", "`file` to write")
	flag.StringVar(&c.revision, "revision", "", "`commit` that is measured")
	flag.StringVar(&c.missing, "missing", "", "`text` about what could not be had")
	flag.StringVar(&c.command, "command", "peers/run", "`command` that repeats this")
	flag.StringVar(&sizes, "sizes", "4096,262144,67108864", "`numbers` of elements, powers of two from 4096 up")
	flag.BoolVar(&c.checkOnly, "check", false, "compare codes and values with ONNX Runtime's, and measure nothing")
	flag.DurationVar(&c.time, "time", 200*time.Millisecond, "`duration` of each measurement, at least")
	flag.Parse()
	for _, s := range strings.Split(sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 4096 || n&(n-1) != 0 {
			log.Fatalf("size %q is not a power of two from 4096 up", s)
		}
		c.sizes = append(c.sizes, n)
	}
	if err := run(&c); err != nil {
		log.Fatal(err)
	}
}

// run measures, and writes the page.
func run(c *config) error {
	debug.SetGCPercent(-1) // collections run between groups, not in a measurement
	var e environment
	if c.ort != "" {
		o, err := loadORT(c.ort)
		if err != nil {
			return fmt.Errorf("loading ONNX Runtime: %w", err)
		}
		e.ort = o
	}
	if c.checkOnly {
		return onlyCheck(e.ort)
	}
	p, err := startPython(c.python, c.script)
	if err != nil {
		return fmt.Errorf("starting Python: %w", err)
	}
	e.python = p

	r := newResults(c, &e)
	if err := r.load(c.state); err != nil {
		return err
	}
	if e.ort != nil && r.Check == nil {
		log.Print("comparing codes with ONNX Runtime's")
		check, err := checkORT(e.ort)
		if err != nil {
			return fmt.Errorf("checking codes: %w", err)
		}
		r.Check = check
		log.Print(check)
		if err := r.save(c.state); err != nil {
			return err
		}
	}
	for _, n := range c.sizes {
		e.allocate(n)
		for i := range jobs {
			j := &jobs[i]
			if r.find(j.id, n) != nil {
				continue
			}
			start := time.Now()
			m, err := e.measure(j, n, c.time)
			if err != nil {
				return fmt.Errorf("%s of %d: %w", j.id, n, err)
			}
			r.Measured = append(r.Measured, *m)
			if err := r.save(c.state); err != nil {
				return err
			}
			log.Printf("%s of %d elements in %.1f s", j.id, n, time.Since(start).Seconds())
		}
	}
	if c.out == "" {
		return nil
	}
	if err := r.write(c); err != nil {
		return err
	}
	if r.Check != nil && r.Check.Differences > 0 {
		return fmt.Errorf("%d codes, values or parameters differ from ONNX Runtime's", r.Check.Differences)
	}
	return nil
}

// onlyCheck compares codes and values, and fails if any differ.
func onlyCheck(o *onnxruntime) error {
	if o == nil {
		return errors.New("-check needs -ort")
	}
	debug.SetGCPercent(100)
	c, err := checkORT(o)
	if err != nil {
		return err
	}
	log.Printf("ONNX Runtime %s: %v", o.version, c)
	log.Printf("known faults: %d of quotients too large for an int32, %d of 2-bit codes in columns", c.Far, c.Mixed)
	const least = 10_000_000
	switch {
	case c.Differences > 0:
		return fmt.Errorf("%d codes, values or parameters differ", c.Differences)
	case c.Compared < least:
		return fmt.Errorf("%d values are too few to say anything: %d are wanted", c.Compared, least)
	}
	return nil
}

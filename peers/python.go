package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// A python is a running peers.py.
type python struct {
	in       io.Writer
	out      *bufio.Reader
	versions versions
}

type versions struct{ Python, NumPy, Torch string }

// startPython starts script, unless interpreter is empty.
func startPython(interpreter, script string) (*python, error) {
	if interpreter == "" {
		return nil, nil
	}
	cmd := exec.Command(interpreter, "-B", script)
	cmd.Stderr = os.Stderr
	// The allocator keeps memory that the libraries free, for their next call. Getting new
	// pages from the system would take longer than the jobs.
	cmd.Env = append(os.Environ(), "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=1000000000000",
		"OPENBLAS_NUM_THREADS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &python{in: in, out: bufio.NewReader(out)}
	return p, p.ask(map[string]any{"versions": true}, &p.versions)
}

// ask sends a request and reads the reply.
func (p *python) ask(question, answer any) error {
	q, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.in, "%s\n", q); err != nil {
		return err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no answer to %s: %w", q, err)
	}
	return json.Unmarshal(line, answer)
}

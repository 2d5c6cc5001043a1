package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/a01592f9/quant"
)

// results are all measurements and checks, and the machine and versions that they hold for.
type results struct {
	About    about
	Check    *check `json:",omitempty"`
	Measured []measurement
}

// An about has the machine and the versions. Results can be added only if they are the same.
type about struct {
	Revision       string
	CPU, Identity  string
	Cores          int
	InstructionSet string
	Go, OS         string
	ORT            string
	Vek            string
	Python         versions
	Seconds        float64
}

func newResults(c *config, e *environment) *results {
	r := &results{About: about{
		Revision: c.revision, CPU: cpu(), Identity: identity(), Cores: runtime.NumCPU(),
		InstructionSet: quant.InstructionSet(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Seconds: c.time.Seconds(),
	}}
	if e.ort != nil {
		r.About.ORT = e.ort.version
	}
	if e.python != nil {
		r.About.Python = e.python.versions
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/viterin/vek" {
				r.About.Vek = m.Version
			}
		}
	}
	return r
}

// load adds the results of an earlier run, if machine and versions are the same.
func (r *results) load(path string) error {
	text, err := os.ReadFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old results
	if err := json.Unmarshal(text, &old); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if reflect.DeepEqual(old.About, r.About) {
		*r = old
	}
	return nil
}

func (r *results) save(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o666); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (r *results) find(job string, n int) *measurement {
	for i := range r.Measured {
		if m := &r.Measured[i]; m.Job == job && m.Elements == n {
			return m
		}
	}
	return nil
}

//go:embed benchmarks.md.tmpl
var page string

// A document has the values of the template.
type document struct {
	*results
	Date    string
	Command string
	Missing string
	Bench   string // of quant bench
	Sizes   []string
	Jobs    []section
	Summary [][]string
}

// A section is the table of a job.
type section struct {
	Title, About string
	Rows         [][]string
}

// write writes the page.
func (r *results) write(c *config) error {
	d := document{results: r, Date: time.Now().UTC().Format(time.DateOnly), Command: c.command, Missing: c.missing}
	if c.bench != "" {
		text, err := os.ReadFile(c.bench)
		if err != nil {
			return err
		}
		d.Bench = strings.TrimSpace(string(text))
	}
	for _, n := range c.sizes {
		d.Sizes = append(d.Sizes, count(n))
	}
	for i := range jobs {
		j := &jobs[i]
		d.Jobs = append(d.Jobs, section{j.title, j.about, r.table(j, c.sizes)})
		d.Summary = append(d.Summary, r.summary(j, c.sizes))
	}
	var b bytes.Buffer
	if err := template.Must(template.New("").Funcs(template.FuncMap{"count": count}).Parse(page)).Execute(&b, d); err != nil {
		return err
	}
	return os.WriteFile(c.out, b.Bytes(), 0o666)
}

// names of contestants on the page.
var names = map[string]string{whoCopy: "Go's `copy` of the float32 values", whoOurs: "**quant**"}

// table returns a row for each contestant. A row has the name, the threads, and for each size
// the rate and the ratio of our rate to it.
func (r *results) table(j *job, sizes []int) (rows [][]string) {
	for _, c := range r.find(j.id, sizes[0]).Rates {
		name := c.Who
		if names[name] != "" {
			name = names[name]
		}
		row := []string{name, strconv.Itoa(c.Threads)}
		for _, n := range sizes {
			m := r.find(j.id, n)
			theirs, ours := m.rate(c.Who, c.Threads), m.rate(whoOurs, c.Threads)
			ratio := ""
			if c.Who != whoOurs {
				ratio = significant(ours/theirs) + "×"
			}
			row = append(row, significant(theirs/1e9), ratio)
		}
		rows = append(rows, row)
	}
	return rows
}

// summary compares this library with the fastest other one, on one thread.
func (r *results) summary(j *job, sizes []int) []string {
	row := []string{j.title}
	for _, n := range sizes {
		m := r.find(j.id, n)
		best := slices.MaxFunc(m.Rates, func(a, b rate) int {
			value := func(x rate) float64 {
				if x.Threads != 1 || x.Who == whoOurs || x.Who == whoCopy {
					return 0
				}
				return x.PerSecond
			}
			switch {
			case value(a) < value(b):
				return -1
			case value(a) > value(b):
				return 1
			}
			return 0
		})
		if best.Who == whoOurs || best.Who == whoCopy {
			row = append(row, "")
			continue
		}
		row = append(row, fmt.Sprintf("%s× %s", significant(m.rate(whoOurs, 1)/best.PerSecond), best.Who))
	}
	return row
}

// significant writes x with three digits.
func significant(x float64) string {
	e := strconv.FormatFloat(x, 'e', 2, 64)
	exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if err != nil || exp < -4 {
		return e
	}
	return strconv.FormatFloat(x, 'f', max(0, 2-exp), 64)
}

// count writes n with a comma before every three digits.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package report

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/system"
	"github.com/a01592f9/quant/preset"
)

// A Convention says for which system a model is compared or quantized, and by which scheme.
type Convention struct {
	System      string   `json:"system"`      // as --for has it
	Title       string   `json:"title"`       // the system's name
	Preset      string   `json:"preset"`      // of package preset, for the weights
	Scheme      string   `json:"scheme"`      // as --schemes has it
	Granularity string   `json:"granularity"` // of the result that the system has
	File        string   `json:"file"`        // kind of file that quant quantize writes for the system; "" for none
	Notes       []string `json:"notes"`       // what the scheme costs without a gain, in sentences

	maker string // the system that quantizes the weights
}

// NewConvention returns the convention of a system for weights of a width, with the method that
// chooses ranges.
func NewConvention(s system.System, w system.Weights, method quant.Method) *Convention {
	c := &Convention{System: s.Name, Title: s.Title, Preset: w.Preset, Scheme: w.Text(method), Granularity: w.Granularity(), File: s.File, Notes: []string{}}
	if w.Block == "" {
		c.Notes = append(c.Notes, system.Costs(w.Whole(), s.File)...)
	}
	if w.Note != "" {
		c.Notes = append(c.Notes, w.Note)
	}
	if p, ok := preset.ByName(w.Preset); ok {
		c.maker = p.System
	}
	return c
}

// text says in sentences which result the system has, and what it costs.
func (c *Convention) text() string {
	all := []string{fmt.Sprintf("For %s weights are %s.", c.Title, c.Scheme)}
	if c.File != "" {
		all = append(all, "With the same flags quant quantize writes these codes.")
	} else {
		maker := c.Title
		if c.maker != "" && c.maker != c.Title {
			maker = c.maker + ", whose weights it runs,"
		}
		all = append(all, fmt.Sprintf("%s has a rule of rounding of its own: quant diff --between %s,%s counts the codes that differ.", maker, c.Preset, c.Scheme))
	}
	return strings.Join(append(all, c.Notes...), " ")
}

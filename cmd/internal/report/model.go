package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// writeSummary writes a line for each tensor, and the sum.
func (r *Report) writeSummary(p *printer) {
	results := r.Tensors[0].Results
	n := len(results)
	t := &table{left: 3, names: true, head: []string{"weight", "shape", "axis"}}
	over := func(text string, results []Result) (first int) {
		first = len(t.head)
		if len(results) > 1 {
			t.spanners = append(t.spanners, spanner{first, first + len(results) - 1, text})
		}
		for _, res := range results {
			if len(results) > 1 {
				text = res.Scheme.short()
			}
			t.head = append(t.head, text)
		}
		return first
	}
	over("RMSE per", results)
	sqnr := over("SQNR, dB per", results)
	over("gain", results[1:])
	clipped := over("clipped per", results)
	bytes := over("bytes per", results)
	for _, i := range r.Order() {
		x := &r.Tensors[i]
		row := []cell{{Clean(x.Name), plain}, {shapeText(x.Shape), plain}, {x.UseText(), plain}}
		for k, res := range x.Results {
			row = append(row, cell{fit(float64(res.RMSE)), best(k == x.Best && n > 1)})
		}
		for _, res := range x.Results {
			row = append(row, cell{decibels(float64(res.SQNR)), plain})
		}
		for _, res := range x.Results[1:] {
			row = append(row, cell{times(float64(res.Gain.RMSEFactor)), plain})
		}
		for _, res := range x.Results {
			row = append(row, cell{briefly(int64(res.Clipped)), plain})
		}
		for _, res := range x.Results {
			row = append(row, cell{briefly(res.Memory.Total), plain})
		}
		t.rows = append(t.rows, row)
	}
	// Where there is no room, the least important goes first: use, what is the
	// same for all schemes or nearly so, and shapes.
	t.optional = []int{clipped, 2, bytes, 1}
	for k := 2; k < n; k++ {
		t.optional = append(t.optional, clipped+k, bytes+k-1)
		t.pressed = append(t.pressed, sqnr+k)
	}
	if n > 2 {
		t.optional = append(t.optional, clipped+1)
		t.pressed = append(t.pressed, sqnr)
	} else {
		t.pressed = []int{clipped + 1}
	}
	t.write(p)
	r.writeTotals(p)
}

// writeTotals writes what the model takes and loses under each scheme.
func (r *Report) writeTotals(p *printer) {
	s := r.Summary
	p.WriteByte('\n')
	t := &table{left: 1, head: []string{plural(int64(s.Compared), "weight"), "bytes", "of float32", "bits/weight", "smaller", "SQNR, dB", "mean", "clipped"}, optional: []int{2, 7}}
	t.rows = append(t.rows, []cell{{"float32", plain}, {count(s.Float32Bytes), plain}, {"100%", plain}, {"32", plain}, {"1×", plain}, {"", plain}, {"", plain}, {"", plain}})
	if s.SourceBytes != s.Float32Bytes {
		t.rows = append(t.rows, []cell{{"in the file", plain}, {count(s.SourceBytes), plain}, {percent(share(s.SourceBytes, s.Float32Bytes)), plain},
			{num(8*float64(s.SourceBytes)/float64(s.Elements), 3), plain}, {times(float64(s.Float32Bytes) / float64(s.SourceBytes)), plain}, {"", plain}, {"", plain}, {"", plain}})
	}
	for k, total := range s.Totals {
		t.rows = append(t.rows, []cell{
			{r.Tensors[0].Results[k].Scheme.Label(), plain}, {count(total.Memory.Total), plain},
			{percent(share(total.Memory.Total, s.Float32Bytes)), plain},
			{num(float64(total.BitsPerWeight), 3), plain}, {times(float64(total.Compression)), plain},
			{decibels(float64(total.SQNR)), plain}, {decibels(float64(total.MeanSQNR)), plain}, {count(total.Clipped), plain},
		})
	}
	t.write(p)
	p.WriteByte('\n')
	text := fmt.Sprintf("%s of %s values; bytes and bits include scales and zero points. SQNR is of all values together, mean is over the weights.",
		plural(int64(s.Compared), "weight"), count(s.Elements))
	if s.OtherBytes > 0 {
		text += fmt.Sprintf(" What was not compared takes %s more.", plural(s.OtherBytes, "byte"))
	}
	p.paragraph(plain, text+" "+r.axes())
}

// axes says on which axes the channels are, and why.
func (r *Report) axes() string {
	if a := r.Options.Axis; a != nil {
		return fmt.Sprintf("Channels are on axis %d, as was asked for.", *a)
	}
	seen := map[string]int{}
	var kinds []string
	for i := range r.Tensors {
		t := &r.Tensors[i]
		if t.Axis == nil {
			continue
		}
		kind := fmt.Sprintf("%d by default", *t.Axis)
		if t.AxisFrom == AxisFile {
			kind = fmt.Sprintf("%d for %s", *t.Axis, Clean(t.Use))
		}
		if seen[kind]++; seen[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return cmp.Compare(seen[b], seen[a]) })
	for i, k := range kinds {
		if len(kinds) > 1 {
			kinds[i] = fmt.Sprintf("%s (%s)", k, count(int64(seen[k])))
		}
	}
	return "Channels are on axis " + strings.Join(kinds, ", ") + "."
}

// A Suffering is a weight and those of its channels that lose most.
type Suffering struct {
	Tensor   int   // index in Report.Tensors
	Channels []int // places in the results' channels, those with the lowest SQNR per channel first
}

// WorstTensors returns the n tensors with the lowest SQNR per channel, and of
// each up to so many channels, for which the same is lowest.
func (r *Report) WorstTensors(n, channels int) []Suffering {
	index := upTo(len(r.Tensors))
	slices.SortStableFunc(index, func(a, b int) int {
		return cmp.Compare(r.Tensors[a].main().SQNR, r.Tensors[b].main().SQNR)
	})
	var all []Suffering
	for _, i := range index[:min(n, len(index))] {
		t := &r.Tensors[i]
		own := t.main().Channels
		of := upTo(len(own))
		slices.SortStableFunc(of, func(a, b int) int { return cmp.Compare(own[a].SQNR, own[b].SQNR) })
		of = slices.DeleteFunc(of[:min(channels, len(of))], func(c int) bool { return math.IsInf(float64(own[c].SQNR), 1) })
		if t.Channels == 1 {
			of = nil // it is the weight again
		}
		all = append(all, Suffering{i, of})
	}
	return all
}

// worstChannels is how many channels of a bad weight are named.
const worstChannels = 3

// writeWorst names the weights, and their channels, that lose most.
func (r *Report) writeWorst(p *printer, n int) {
	if n <= 0 {
		return
	}
	p.WriteByte('\n')
	all := r.WorstTensors(n, worstChannels)
	p.paragraph(bold, fmt.Sprintf("The worst %s by SQNR per channel, with the channels that suffer most:", plural(int64(len(all)), "weight")))
	p.WriteByte('\n')
	m := len(r.Tensors[0].Results)
	t := &table{left: 1, names: true, head: []string{"weight", "channel", "min", "max"}}
	t.spanners = []spanner{{4, 3 + m, "RMSE per"}, {4 + m, 3 + 2*m, "SQNR, dB per"}}
	for range 2 {
		for _, res := range r.Tensors[0].Results {
			t.head = append(t.head, res.Scheme.short())
		}
	}
	for _, s := range all {
		x := &r.Tensors[s.Tensor]
		row := []cell{{Clean(x.Name), plain}, {"all", plain}, {fit(float64(x.Min)), plain}, {fit(float64(x.Max)), plain}}
		for _, res := range x.Results {
			row = append(row, cell{fit(float64(res.RMSE)), plain})
		}
		for _, res := range x.Results {
			row = append(row, cell{decibels(float64(res.SQNR)), plain})
		}
		t.rows = append(t.rows, row)
		for _, c := range s.Channels {
			ch := x.main().Channels[c]
			row := []cell{{"", plain}, {strconv.Itoa(x.channel(c)), dim}, {fit(float64(ch.Min)), dim}, {fit(float64(ch.Max)), dim}}
			for _, res := range x.Results {
				row = append(row, cell{fit(float64(res.Channels[c].RMSE)), dim})
			}
			for _, res := range x.Results {
				row = append(row, cell{decibels(float64(res.Channels[c].SQNR)), dim})
			}
			t.rows = append(t.rows, row)
		}
	}
	t.optional = []int{4}
	for k := 2; k < m; k++ {
		t.optional = append(t.optional, 3+k, 4+m)
	}
	t.write(p)
	p.WriteByte('\n')
	p.paragraph(dim, "--tensor NAME shows all about one weight, --worst N lists more of them.")
}

// briefly writes a count in at most five characters: 1234, 56.8k, 1.23M.
func briefly(n int64) string {
	x := float64(n)
	for _, unit := range []string{"", "k", "M", "G", "T"} {
		switch {
		case unit == "" && n < 10000:
			return strconv.FormatInt(n, 10)
		case unit != "" && x < 9.995:
			return strconv.FormatFloat(x, 'f', 2, 64) + unit
		case unit != "" && x < 99.95:
			return strconv.FormatFloat(x, 'f', 1, 64) + unit
		case unit != "" && x < 999.5:
			return strconv.FormatFloat(x, 'f', 0, 64) + unit
		}
		x /= 1000
	}
	return num(float64(n), 2)
}

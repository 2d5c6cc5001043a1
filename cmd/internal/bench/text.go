package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// WriteText writes r as a table for each size, for people.
func (r *Report) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	m := &r.Machine
	cpu := m.CPU
	if cpu == "" {
		cpu = "unknown processor"
	}
	fmt.Fprintf(b, "%s\n%s, %d of %d cores, %s %s/%s\n", cpu, m.InstructionSet, m.Procs, m.Cores, m.Go, m.OS, m.Arch)
	for _, s := range r.Sizes {
		fmt.Fprintf(b, "\n%-*s  10⁹ a second  × reading  × copying\n", nameWidth, text.Count(s.Elements)+" elements")
		for _, x := range s.Results {
			fmt.Fprintf(b, "%-*s  %12s  %9s  %9s\n", nameWidth, x.Name,
				significant(x.PerSecond/1e9), significant(x.ToRead), significant(x.ToCopy))
		}
	}
	b.WriteString(`
Best of several rounds. Ratios are to reading and to copying the same float32
values, measured in turns with each operation.
`)
	return b.Flush()
}

// nameWidth is the width of names, which leaves 38 of 80 columns for numbers.
const nameWidth = 42

// significant writes x with three digits.
func significant(x float64) string {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	// The exponent is that of the rounded number: 9.996 has a digit more.
	e := strconv.FormatFloat(x, 'e', 2, 64)
	exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if err != nil || exp < -4 {
		return e
	}
	return strconv.FormatFloat(x, 'f', max(0, 2-exp), 64)
}

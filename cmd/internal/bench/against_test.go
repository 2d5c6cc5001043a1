package bench

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// report returns a report of one size with operations of these ratios to reading and copying.
func report(set string, elements int, ratios map[string][2]float64) *Report {
	s := Size{Elements: elements}
	for name, r := range ratios {
		s.Results = append(s.Results, Result{Name: name, ToRead: r[0], ToCopy: r[1]})
	}
	return &Report{Machine: Machine{InstructionSet: set}, Sizes: []Size{s}}
}

func TestAgainst(t *testing.T) {
	old := report("avx2", 4096, map[string][2]float64{"a": {1, 2}, "b": {0.5, 1}})
	for _, tt := range []struct {
		name   string
		now    *Report
		slower string // the operation that is slower
		factor float64
		err    string
	}{
		{"same", old, "", 0, ""},
		{"faster", report("avx2", 4096, map[string][2]float64{"a": {2, 4}}), "", 0, ""},
		{"14 per cent", report("avx2", 4096, map[string][2]float64{"a": {0.86, 1.72}}), "", 0, ""},
		{"16 per cent", report("avx2", 4096, map[string][2]float64{"a": {0.84, 1.68}, "b": {0.5, 1}}), "a", 0.84, ""},
		{"reading is faster", report("avx2", 4096, map[string][2]float64{"a": {0.5, 2}}), "", 0, ""},
		{"copying is faster", report("avx2", 4096, map[string][2]float64{"a": {1, 1}}), "", 0, ""},
		{"the larger factor", report("avx2", 4096, map[string][2]float64{"a": {0.5, 1.6}}), "a", 0.8, ""},
		{"new operation", report("avx2", 4096, map[string][2]float64{"b": {0.5, 1}, "c": {0.001, 0.001}}), "", 0, ""},
		{"other size", report("avx2", 8192, map[string][2]float64{"a": {1, 2}}), "", 0, "no size and operation in common"},
		{"other kernels", report("avx512", 4096, map[string][2]float64{"a": {1, 2}}), "", 0, "measured with avx2 kernels, but here with avx512"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slower, common, err := tt.now.Against(old)
			switch {
			case tt.err != "":
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
			case err != nil || common == 0:
				t.Errorf("error %v, %d operations", err, common)
			case tt.slower == "" && len(slower) > 0:
				t.Errorf("slower: %+v", slower)
			case tt.slower != "" && (len(slower) != 1 || slower[0].Name != tt.slower || math.Abs(slower[0].Factor-tt.factor) > 1e-12):
				t.Errorf("slower: %+v, want %s by %v", slower, tt.slower, tt.factor)
			}
		})
	}
	want := "1 of 2 operations are more than 15 % slower than in old.json: a, 4,096 elements (0.840 times as fast)"
	if got := SlowerError("old.json", []Slower{{4096, "a", 0.84}}, 2).Error(); got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

func TestReadReport(t *testing.T) {
	for content, want := range map[string]string{
		`{"machine":{"instruction_set":"avx2"},"sizes":[{"elements":4096,"results":[]}]}`: "",
		`{}`: "not a report of quant bench: no sizes",
		`x`:  "not a report of quant bench: invalid character",
	} {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := ReadReport(path)
		switch {
		case want == "" && (err != nil || r.Sizes[0].Elements != 4096):
			t.Errorf("%s: %+v, error %v", content, r, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)):
			t.Errorf("%s: error %v, want %s", content, err, want)
		}
	}
	if _, err := ReadReport("missing.json"); err == nil {
		t.Error("no error for a file that is not there")
	}
}

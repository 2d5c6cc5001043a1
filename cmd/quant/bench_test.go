package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/bench"
)

func TestBench(t *testing.T) {
	tiny := []string{"bench", "--size", "4096,2^13", "--time", "1us"}
	out := ok(t, tiny...)
	narrow(t, out)
	for _, want := range []string{library.InstructionSet(), "1 of ", "4,096 elements", "8,192 elements", "quantize to 8 bits, columns", "compare"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	path := filepath.Join(t.TempDir(), "bench.json")
	if out := ok(t, append(tiny, "--format", "json", "--output", path)...); out != "" {
		t.Errorf("writes %q besides the file", out)
	}

	// As docs/json.md has it.
	var r struct {
		Machine struct {
			CPU            *string
			InstructionSet string `json:"instruction_set"`
			Cores, Procs   int
			Go, OS, Arch   string
		}
		Seconds float64 `json:"seconds_per_measurement"`
		Sizes   []struct {
			Elements int
			Results  []struct {
				Name        string
				Operation   string
				Bits        *int
				Granularity *string
				PerSecond   float64 `json:"per_second"`
				ToRead      float64 `json:"to_read"`
				ToCopy      float64 `json:"to_copy"`
				ReadRate    float64 `json:"read_per_second"`
				CopyRate    float64 `json:"copy_per_second"`
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(ok(t, append(tiny, "--format", "json")...)))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	m := r.Machine
	if m.CPU == nil || m.InstructionSet != library.InstructionSet() || m.Cores < 1 || m.Procs != 1 || m.Go == "" || m.OS == "" || m.Arch == "" {
		t.Errorf("machine %+v", m)
	}
	if r.Seconds != 1e-6 || len(r.Sizes) != 2 || r.Sizes[1].Elements != 8192 {
		t.Errorf("got %+v", r)
	}
	seen := map[string]bool{}
	for _, x := range r.Sizes[0].Results {
		if x.Name == "" || seen[x.Name] || x.PerSecond <= 0 || x.ToRead <= 0 || x.ToCopy <= 0 || x.ReadRate <= 0 || x.CopyRate <= 0 {
			t.Errorf("result %+v", x)
		}
		seen[x.Name] = true
		wantBits := x.Operation == "quantize" || x.Operation == "dequantize" || x.Operation == "dynamic" || x.Operation == "compare"
		if (x.Bits != nil) != wantBits {
			t.Errorf("%s: bits %v", x.Name, x.Bits)
		}
	}
}

func TestBenchAgainst(t *testing.T) {
	dir := t.TempDir()
	tiny := []string{"bench", "--size", "4096", "--time", "1us"}
	write := func(name string, change func(r *bench.Report)) string {
		var r bench.Report
		if err := json.Unmarshal([]byte(ok(t, append(tiny, "--format", "json")...)), &r); err != nil {
			t.Fatal(err)
		}
		change(&r)
		b, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	scale := func(f float64) func(r *bench.Report) {
		return func(r *bench.Report) {
			for i := range r.Sizes[0].Results {
				x := &r.Sizes[0].Results[i]
				x.ToRead, x.ToCopy = x.ToRead*f, x.ToCopy*f
			}
		}
	}
	slow, fast := write("slow.json", scale(0.01)), write("fast.json", scale(100))
	if out := ok(t, append(tiny, "--against", slow)...); !strings.Contains(out, "4,096 elements") {
		t.Errorf("no table in\n%s", out)
	}
	fails(t, exitFailed, "operations are more than 15 % slower than in "+fast, "", append(tiny, "--against", fast)...)
	other := write("other.json", func(r *bench.Report) { r.Machine.InstructionSet = "none" })
	fails(t, exitFailed, other+": measured with none kernels", "", append(tiny, "--against", other)...)
	fails(t, exitFailed, "no such file", "", append(tiny, "--against", filepath.Join(dir, "missing"))...)
}

func TestBenchUsage(t *testing.T) {
	for _, test := range []struct {
		want string
		args []string
	}{
		{`size "many" is not a number`, []string{"--size", "many"}},
		{`size "2^99" is not a number`, []string{"--size", "2^99"}},
		{`size 100 is not a multiple of 4096`, []string{"--size", "4096,100"}},
		{`time 0s is not positive`, []string{"--time", "0s"}},
		{`0 processors`, []string{"--procs", "0"}},
		{`format "csv" is neither table nor json`, []string{"--format", "csv"}},
		{`unknown command "x"`, []string{"x"}},
	} {
		fails(t, exitUsage, test.want, "", append([]string{"bench"}, test.args...)...)
	}
}

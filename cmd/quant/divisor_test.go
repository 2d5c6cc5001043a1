package main

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestDivisors compares two channels whose largest magnitudes are 255 and 1 in all divisors and
// formats of scales that change the scale per channel.
func TestDivisors(t *testing.T) {
	const values = "255 -4; 1 -0.5"
	for _, test := range []struct {
		flags string
		about string     // in the text of the options; "" for no words
		scale [2]float32 // per channel
	}{
		{"", "", [2]float32{255. / 128, 1. / 128}},
		{"--divisor far --scales float32", "", [2]float32{255. / 128, 1. / 128}},
		{"--divisor half", "divisor half", [2]float32{2, 1. / 127.5}},
		{"--divisor each", "divisor each", [2]float32{255. / 127, 1. / 127}},
		{"--scales float16", "scales float16", [2]float32{1.9921875, 1. / 128}},
		{"--scales bfloat16 --divisor half", "divisor half, scales bfloat16", [2]float32{2, 0.0078125 + 0x1p-14}},
		{"--scales e8m0_rceil", "scales e8m0_rceil", [2]float32{2, 1. / 128}},
		{"--scales e8m0_nearest", "scales e8m0_nearest", [2]float32{2, 1. / 128}},
	} {
		t.Run(test.flags, func(t *testing.T) {
			args := append([]string{"compare", "-", "--mapping", "symmetric"}, strings.Fields(test.flags)...)
			var r struct {
				Options struct{ Divisor, Scales string }
				Tensors []struct {
					Results []struct {
						Scale  []float32
						Scheme struct{ Divisor, Scales string }
					}
				}
			}
			if err := json.Unmarshal([]byte(quant(t, values, append(args, "--format", "json")...).out), &r); err != nil {
				t.Fatal(err)
			}
			own := r.Tensors[0].Results[1]
			if got := [2]float32(own.Scale); got != test.scale {
				t.Errorf("scales %v, want %v", got, test.scale)
			}
			if own.Scheme != r.Options {
				t.Errorf("the scheme has %v, the options %v", own.Scheme, r.Options)
			}
			rows, err := csv.NewReader(strings.NewReader(quant(t, values, append(args, "--format", "csv")...).out)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"divisor": r.Options.Divisor, "scales": r.Options.Scales} {
				i := slices.Index(rows[0], name)
				if (i >= 0) != (want != "") || i >= 0 && rows[1][i] != want {
					t.Errorf("CSV has column %s at %d, want %q", name, i, want)
				}
			}
			if out := quant(t, values, args...).out; !strings.Contains(out, "symmetric mapping"+map[bool]string{true: ", "}[test.about != ""]+test.about+"\n") {
				t.Errorf("no %q in\n%s", test.about, out)
			}
		})
	}
}

// TestDivisorErrors has divisors and formats of scales that do not go with other options.
func TestDivisorErrors(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"compare --divisor half", "the divisor half is for integers and the symmetric mapping"},
		{"compare --divisor third", `divisor "third" is none of far, half, each`},
		{"compare --scales float8", `format of scales "float8" is none of float32, float16, `},
		{"compare --mapping symmetric --divisor each --scales float16", "the divisor each is for scales that are float32, not float16"},
		{"sweep --divisor half", "the divisor half is for integers and the symmetric mapping"},
		{"compare --divisor half --schemes int8", "--divisor does not go with --schemes"},
		{"quantize MODEL --dry-run --mapping asymmetric --divisor half", "the divisor half is for integers and the symmetric mapping"},
		{"quantize MODEL --dry-run --divisor third", `--divisor: divisor "third" is none of far, half, each`},
		{"quantize MODEL --dry-run --scales e4m3", "scales of e4m3 are for floating-point codes"},
		{"quantize MODEL --dry-run --scheme int8 --divisor half", "--divisor does not go with --scheme"},
	} {
		args := strings.ReplaceAll(test.args, "MODEL", layersFile(t))
		fails(t, exitUsage, test.want, "", strings.Fields(args)...)
	}
}

// layersFile is a safetensors file with a layer.
func layersFile(t *testing.T) string {
	t.Helper()
	return safetensors(t, weight{name: "model.layers.0.mlp.up_proj.weight", shape: []int{32, 64}, data: waves(32 * 64)})
}

// TestQuantizedScales has codes with the scales that --divisor and --scales make: the errors are
// those of quant compare, whose schemes have the same.
func TestQuantizedScales(t *testing.T) {
	path := layersFile(t)
	for _, flags := range []string{"--divisor half", "--divisor each", "--scales float16", "--scales e8m0_rceil --divisor half"} {
		var q struct {
			Note    string
			Weights []struct {
				Errors struct{ RMSE float64 }
				Scheme struct{ Divisor, Scales string }
			}
		}
		args := append(strings.Fields(flags), "--mapping", "symmetric", "--format", "json")
		if err := json.Unmarshal([]byte(ok(t, append([]string{"quantize", path, "--dry-run"}, args...)...)), &q); err != nil {
			t.Fatal(err)
		}
		var c struct {
			Tensors []struct {
				Results []struct {
					RMSE   float64
					Scheme struct{ Divisor, Scales string }
				}
			}
		}
		if err := json.Unmarshal([]byte(ok(t, append([]string{"compare", path}, args...)...)), &c); err != nil {
			t.Fatal(err)
		}
		own := c.Tensors[0].Results[1]
		if w := q.Weights[0]; w.Errors.RMSE != own.RMSE || w.Scheme != own.Scheme || w.Scheme.Divisor+w.Scheme.Scales == "" {
			t.Errorf("%s: quantize has %+v, compare %+v", flags, w, own)
		}
		if rounded := strings.Contains(flags, "scales"); strings.Contains(q.Note, "stored as float32") != rounded {
			t.Errorf("%s: note %q", flags, q.Note)
		}
	}
}

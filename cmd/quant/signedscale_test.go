package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSignedScale compares two channels: the largest magnitude of the first is positive, that of
// the second negative.
func TestSignedScale(t *testing.T) {
	const values = "7 -3 2 1; 1 -8 2 3"
	var r struct {
		Options struct {
			SignedScale bool `json:"signed_scale"`
		}
		Tensors []struct {
			Results []struct {
				Scale     []float32
				RMSE      float64
				Codes     [][]int
				Histogram any
				Scheme    struct {
					SignedScale bool `json:"signed_scale"`
				}
			}
		}
	}
	args := []string{"compare", "-", "--mapping", "symmetric", "--bits", "4", "--signed-scale"}
	if err := json.Unmarshal([]byte(quant(t, values, append(args, "--format", "json")...).out), &r); err != nil {
		t.Fatal(err)
	}
	own := r.Tensors[0].Results[1]
	if !slices.Equal(own.Scale, []float32{-0.875, 1}) || !own.Scheme.SignedScale || !r.Options.SignedScale {
		t.Errorf("scales %v, %+v", own.Scale, r)
	}
	if out := quant(t, values, append(args, "--format", "csv")...).out; !strings.Contains(out, ",signed_scale") || !strings.Contains(out, ",-0.875,") {
		t.Errorf("CSV:\n%s", out)
	}
	if out := quant(t, values, args...).out; !strings.Contains(out, "symmetric mapping, signed scale\n") {
		t.Errorf("no signed scale in\n%s", out)
	}
	if out := quant(t, values, "compare", "-", "--schemes", "int4:sym:signed-scale,int4:sym").out; !strings.Contains(out, "int4:sym:signed-scale") {
		t.Errorf("no scheme with a signed scale in\n%s", out)
	}
	for _, test := range []struct{ args, want string }{
		{"compare --signed-scale", "a signed scale is for integers and the symmetric mapping"},
		{"compare --mapping symmetric --signed-scale --narrow-range", "a signed scale is not for the narrow range"},
		{"compare --mapping symmetric --signed-scale --divisor half", "a signed scale is for the divisor far, not for half"},
		{"compare --mapping symmetric --signed-scale --scales e8m0_floor", "a signed scale is for scales that are float32, float16 or bfloat16, not e8m0_floor"},
		{"sweep --signed-scale", "a signed scale is for integers and the symmetric mapping"},
		{"compare --signed-scale --schemes int8", "--signed-scale does not go with --schemes"},
		{"compare --signed-scale --against x", "--signed-scale does not go with --against"},
		{"compare MODEL --for vllm --signed-scale", "--signed-scale=true contradicts --for vllm, whose scales are positive"},
		{"quantize MODEL --dry-run --mapping asymmetric --signed-scale", "a signed scale is for integers and the symmetric mapping"},
		{"quantize MODEL --dry-run --scheme int8 --signed-scale", "--signed-scale does not go with --scheme"},
		{"quantize MODEL --dry-run --for vllm --signed-scale", "--signed-scale=true contradicts --for vllm"},
	} {
		args := strings.ReplaceAll(test.args, "MODEL", layersFile(t))
		fails(t, exitUsage, test.want, "", strings.Fields(args)...)
	}
}

// TestSignedScaleCodes: codes of a negative scale are listed, and a report has graphs of them.
func TestSignedScaleCodes(t *testing.T) {
	out := quant(t, "7 -3 2 1 0.5 6", "compare", "-", "--mapping", "symmetric", "--bits", "4", "--signed-scale", "--codes").out
	if !strings.Contains(out, "-8") || !strings.Contains(out, "-0.875") {
		t.Errorf("no code -8 or scale -0.875 in\n%s", out)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	quant(t, "7 -3 2 1 0.5 6", "compare", "-", "--mapping", "symmetric", "--bits", "4", "--signed-scale", "--html", path)
	if data, err := os.ReadFile(path); err != nil || len(data) == 0 {
		t.Errorf("no report: %v", err)
	}
}

// TestSignedScaleCalibrated: a calibration file has negative scales, and quantize uses them.
func TestSignedScaleCalibrated(t *testing.T) {
	path, file := layersFile(t), filepath.Join(t.TempDir(), "c.json")
	ok(t, "calibrate", path, "--mapping", "symmetric", "--signed-scale", "--granularity", "per_channel", "-o", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Tensors []struct {
			Scale   []float32
			Clipped float64
			Scheme  struct {
				SignedScale bool `json:"signed_scale"`
			}
		}
	}
	if err := json.Unmarshal(data, &c); err != nil || !c.Tensors[0].Scheme.SignedScale || slices.Min(c.Tensors[0].Scale) >= 0 {
		t.Fatalf("%v, %s", err, data)
	}
	fails(t, exitUsage, "a signed scale is for integers and the symmetric mapping", "", "calibrate", path, "--signed-scale", "-o", file)
	flags := []string{"--mapping", "symmetric", "--signed-scale", "--format", "json", "--dry-run"}
	plain := quantizedRMSE(t, append([]string{path}, flags...))
	if got := quantizedRMSE(t, append([]string{path, "--calibration", file}, flags...)); got != plain {
		t.Errorf("RMSE %v with the calibration file, %v without", got, plain)
	}
}

func quantizedRMSE(t *testing.T, args []string) float64 {
	t.Helper()
	var q struct {
		Weights []struct{ Errors struct{ RMSE float64 } }
	}
	if err := json.Unmarshal([]byte(ok(t, append([]string{"quantize"}, args...)...)), &q); err != nil || len(q.Weights) != 1 {
		t.Fatalf("%v, %d weights", err, len(q.Weights))
	}
	return q.Weights[0].Errors.RMSE
}

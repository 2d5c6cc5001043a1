package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// The JSON as docs/json.md has it, spelled out here so that a change of the
// report's types cannot change what is tested.
type jsonReport struct {
	Source  string
	Tensors []struct {
		Name    string
		Shape   []int
		Results []jsonResult
	}
	Skipped []struct {
		Name   string
		Reason string
		Failed bool
	}
	Summary struct {
		Compared int
		Skipped  int
		Failed   int
		ByGain   []int `json:"by_gain"`
	}
}

type jsonResult struct {
	Scheme struct {
		Bits        int
		Unsigned    bool
		Mapping     string
		Granularity string
		Axis        *int
		GroupSize   *int `json:"group_size"`
		NarrowRange bool `json:"narrow_range"`
		ZeroInRange bool `json:"zero_in_range"`
	}
	Scale     []float32
	ZeroPoint []int32 `json:"zero_point"`
	MAE       float64
	RMSE      float64
	MaxError  float64  `json:"max_error"`
	SQNR      *float64 `json:"sqnr_db"`
	Clipped   int
	Memory    struct {
		Payload  int64 `json:"payload_bytes"`
		Metadata int64 `json:"metadata_bytes"`
		Total    int64 `json:"total_bytes"`
	}
	Channels []struct {
		Min, Max float32
		MAE      float64
		RMSE     float64
		MaxError float64  `json:"max_error"`
		SQNR     *float64 `json:"sqnr_db"`
		Clipped  int
	}
	Codes         []int
	Reconstructed []float32
}

func decode(t *testing.T, text string) jsonReport {
	t.Helper()
	var r jsonReport
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReference runs the twelve parameter sets whose results are known.
func TestReference(t *testing.T) {
	type side struct {
		Scale     []float64
		ZeroPoint []int32 `json:"zero_point"`
		Codes     []int
		Bytes     float64
		MAE       float64
		RMSE      float64
		Max       float64
	}
	var sets []struct {
		Bits                int
		Unsigned, Symmetric bool
		PerTensor           side `json:"per_tensor"`
		PerChannel          side `json:"per_channel"`
	}
	file, err := os.ReadFile("testdata/reference-results.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &sets); err != nil {
		t.Fatal(err)
	}
	if len(sets) != 12 {
		t.Fatalf("%d parameter sets", len(sets))
	}
	for _, set := range sets {
		args := []string{"compare", "--format", "json", "--codes", "--bits", strconv.Itoa(set.Bits)}
		if set.Unsigned {
			args = append(args, "--unsigned")
		}
		mapping := "asymmetric"
		if set.Symmetric {
			mapping = "symmetric"
		}
		args = append(args, "--mapping", mapping)
		t.Run(fmt.Sprint(args[4:]), func(t *testing.T) {
			results := decode(t, ok(t, args...)).Tensors[0].Results
			for i, want := range []side{set.PerTensor, set.PerChannel} {
				got := results[i]
				name := []string{"per_tensor", "per_channel"}[i]
				s := got.Scheme
				if s.Bits != set.Bits || s.Unsigned != set.Unsigned || s.Mapping != mapping || s.Granularity != name {
					t.Errorf("scheme %+v", s)
				}
				for k, x := range want.Scale {
					if got.Scale[k] != float32(x) {
						t.Errorf("%s: scale %d is %v, want %v", name, k, got.Scale[k], x)
					}
				}
				if !slices.Equal(got.ZeroPoint, want.ZeroPoint) {
					t.Errorf("%s: zero points %v, want %v", name, got.ZeroPoint, want.ZeroPoint)
				}
				if !slices.Equal(got.Codes, want.Codes) {
					t.Errorf("%s: codes %v, want %v", name, got.Codes, want.Codes)
				}
				if float64(got.Memory.Total) != want.Bytes {
					t.Errorf("%s: %d bytes, want %v", name, got.Memory.Total, want.Bytes)
				}
				for what, x := range map[string][2]float64{
					"MAE": {got.MAE, want.MAE}, "RMSE": {got.RMSE, want.RMSE}, "max error": {got.MaxError, want.Max},
				} {
					if math.Abs(x[0]-x[1]) > 1e-9 {
						t.Errorf("%s: %s is %v, want %v", name, what, x[0], x[1])
					}
				}
				for k, q := range got.Codes {
					c := k / 5 * min(1, len(got.Scale)-1)
					if x := float32(q-int(got.ZeroPoint[c])) * got.Scale[c]; got.Reconstructed[k] != x {
						t.Errorf("%s: code %d stands for %v, want %v", name, k, got.Reconstructed[k], x)
					}
				}
			}
		})
	}
}

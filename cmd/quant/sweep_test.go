package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestSweep(t *testing.T) {
	file, dir := large(t, 30, true), t.TempDir()
	fails(t, exitUsage, "the target NaN is not a finite number", "", "sweep", file, "--target", "nan")
	fails(t, exitUsage, "the target +Inf is not a finite number", "", "sweep", file, "--target", "inf", "--format", "json")
	r := fails(t, exitFailed, "NaN in channel 0", "", "sweep", file, "--weights", "--target", "30",
		"--csv", filepath.Join(dir, "s.csv"), "--plot", filepath.Join(dir, "s.png"))
	narrow(t, r.out)
	for _, want := range []string{"● 8 bits per channel", "▶", "reaches 30.0 dB", "SQNR, dB, groups of 32", "failed"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	if csv := string(read(t, dir, "s.csv")); strings.Count(csv, "\r\n") != 1+24*(1+29) {
		t.Errorf("%d rows of CSV", strings.Count(csv, "\r\n"))
	}
	if png := read(t, dir, "s.png"); !strings.HasPrefix(string(png), "\x89PNG") {
		t.Error("the plot is no PNG")
	}
	big := large(t, 300, false)
	ok(t, "sweep", big, "--bits", "4,8", "--group-size", "0", "--plot", filepath.Join(dir, "s.svg"))
	if svg := string(read(t, dir, "s.svg")); !strings.Contains(svg, "model.layers.70.mlp.up_proj.weight") {
		t.Error("the plot does not name all weights")
	}
}

// TestSweepIsCompare holds a sweep against comparisons of the same schemes.
func TestSweepIsCompare(t *testing.T) {
	file := large(t, 6, false)
	var s struct {
		Schemes []struct {
			Bits        int
			Granularity string
			SQNR        float64 `json:"sqnr_db"`
			Memory      struct {
				Total int64 `json:"total_bytes"`
			}
		}
		Weights []struct {
			Results []struct {
				RMSE  float64
				SQNR  *float64 `json:"sqnr_db"`
				Bytes int64    `json:"total_bytes"`
			}
		}
	}
	if err := json.Unmarshal([]byte(ok(t, "sweep", file, "--bits", "3-4", "--group-size", "4", "--format", "json")), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Schemes) != 6 || len(s.Weights) != 6 {
		t.Fatalf("%d schemes, %d weights", len(s.Schemes), len(s.Weights))
	}
	for b, bits := range []string{"3", "4"} {
		var c struct {
			Tensors []struct {
				Results []struct {
					RMSE   float64
					Memory struct {
						Total int64 `json:"total_bytes"`
					}
				}
			}
			Summary struct {
				Totals []struct {
					SQNR float64 `json:"sqnr_db"`
				}
			}
		}
		if err := json.Unmarshal([]byte(ok(t, "compare", file, "--bits", bits, "--group-size", "4", "--format", "json")), &c); err != nil {
			t.Fatal(err)
		}
		for g := range 3 {
			k := 2*g + b
			for i, w := range s.Weights {
				want := c.Tensors[i].Results[g]
				if got := w.Results[k]; got.RMSE != want.RMSE || got.Bytes != want.Memory.Total {
					t.Errorf("weight %d, %s bits: RMSE %v in %d bytes; compare has %v in %d", i, bits, got.RMSE, got.Bytes, want.RMSE, want.Memory.Total)
				}
			}
			// The signal is that of another scheme: equal but for rounding.
			if d := s.Schemes[k].SQNR - c.Summary.Totals[g].SQNR; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s bits: total %v, compare has %v", bits, s.Schemes[k].SQNR, c.Summary.Totals[g].SQNR)
			}
		}
	}
}

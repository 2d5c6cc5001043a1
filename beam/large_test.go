package beam

import (
	"bytes"
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
)

var large = flag.Bool("large", false, "calibrate 100 million values in 200 files too, which takes minutes")

// TestManyValues calibrates 10⁸ values in 200 files with every method, under
// several numbers of workers and with failures of the file system.
func TestManyValues(t *testing.T) {
	count := 20_000
	if *large {
		count = 500_000
	}
	dir := t.TempDir()
	for i := range 200 {
		write0(t, filepath.Join(dir, fmt.Sprintf("%03d.npy", i)), npy(uint64(i), count))
	}
	names, err := filepath.Glob(dir + "/*.npy")
	if err != nil {
		t.Fatal(err)
	}
	methods := []string{"minmax", "percentile=99.99", "mse", "mae", "entropy"}
	workers := []int{1, 2, 7}
	if !*large {
		methods, workers = methods[2:3], workers[2:]
	}
	for _, method := range methods {
		calibration, state := onTool(t, []string{"--method", method}, names...)
		for _, n := range workers {
			t.Run(fmt.Sprintf("%s, %d workers", method, n), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
				inject(50)
				gotCalibration, gotState, err := onPrism(t, Options{Scheme: "int8:" + method + ":zero", Name: "{folder}"}, "faulty://"+dir+"/*.npy")
				if err != nil {
					t.Fatal(err)
				}
				if failures.Load() > 0 {
					t.Error("not all failures were injected")
				}
				if !bytes.Equal(gotCalibration, calibration) || !bytes.Equal(gotState, state) {
					t.Errorf("calibration\n%.600s\nwant\n%.600s", gotCalibration, calibration)
				}
			})
		}
	}
}

package beam

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/beam/report"
)

// bootScript starts a worker: it turns the flags of a container into those of
// the program.
const bootScript = `#!/bin/sh
for flag; do
	case $flag in
	--id=*) id=$(printf %%s "${flag#--id=}" | tr -d "'") ;;
	--provision_endpoint=*) endpoint=${flag#--provision_endpoint=} ;;
	esac
done
exec '%s' --worker --id="$id" --logging_endpoint="$endpoint" --control_endpoint="$endpoint" --semi_persist_dir='%s'
`

// setFlag sets a flag of Beam for a test.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	old := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(name, old) })
}

// TestWorkerProcess runs the pipelines on a worker in a process of its own, so
// that everything that goes from stage to stage is coded and decoded, and every
// function is found by its registered name.
func TestWorkerProcess(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	boot := filepath.Join(t.TempDir(), "boot")
	if err := os.WriteFile(boot, fmt.Appendf(nil, bootScript, program, t.TempDir()), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := batches(t)
	files, _ := filepath.Glob(dir + "/*/*.npy")
	calibration, state := onTool(t, []string{"--method", "mse", "--axis", "1"}, files...)
	model := shards(t)
	options := report.DefaultOptions()
	want, _ := jsonOnTool(t, "compare", model)

	setFlag(t, "environment_type", "PROCESS")
	setFlag(t, "environment_config", fmt.Sprintf(`{"command":%q}`, boot))
	setFlag(t, "worker_binary", program)
	o := Options{Scheme: "int8:channel@1:mse:zero", Name: "{folder}", FanOut: 3}
	gotCalibration, gotState, err := onPrism(t, o, dir+"/*/*.npy")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gotCalibration, calibration) || !bytes.Equal(gotState, state) {
		t.Errorf("calibration\n%.600s\nwant\n%.600s", gotCalibration, calibration)
	}
	got, err := reportOnPrism(t, CompareOptions{Source: model, Compare: &options}, model+"/*.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 || !bytes.Equal(got, want) {
		t.Errorf("the report differs from the tool's %s", firstDifference(got, want))
	}
}

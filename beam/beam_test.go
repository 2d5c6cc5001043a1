package beam

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/a01592f9/quant"
)

// TestMain is a worker too: see TestWorkerProcess.
func TestMain(m *testing.M) {
	flag.Parse()
	beam.Init()
	filesystem.Register("faulty", func(ctx context.Context) filesystem.Interface { return faulty{local.New(ctx)} })
	os.Exit(m.Run())
}

// A faulty file system is the local one, whose files stop with an error in
// the middle of a read as often as failures says.
type faulty struct{ filesystem.Interface }

var (
	failures atomic.Int64
	failed   sync.Map // by name, how often a file has failed: an *atomic.Int64
)

// inject makes so many reads fail, but those of one file less often than a
// piece is tried.
func inject(n int64) {
	failed.Clear()
	failures.Store(n)
}

func failNow(name string) bool {
	n, _ := failed.LoadOrStore(name, new(atomic.Int64))
	return n.(*atomic.Int64).Add(1) < tries && failures.Add(-1) >= 0
}

func (f faulty) List(ctx context.Context, glob string) ([]string, error) {
	all, err := f.Interface.List(ctx, strings.TrimPrefix(glob, "faulty://"))
	for i := range all {
		all[i] = "faulty://" + all[i]
	}
	return all, err
}

func (f faulty) Size(ctx context.Context, name string) (int64, error) {
	return f.Interface.Size(ctx, strings.TrimPrefix(name, "faulty://"))
}

func (f faulty) OpenRead(ctx context.Context, name string) (io.ReadCloser, error) {
	in, err := f.Interface.OpenRead(ctx, strings.TrimPrefix(name, "faulty://"))
	return &faultyFile{in, name}, err
}

// A faultyFile reads from its start only, as files of object stores do.
type faultyFile struct {
	io.ReadCloser
	name string
}

func (f *faultyFile) Read(b []byte) (int, error) {
	if len(b) > 1000 && failNow(f.name) {
		n, _ := f.ReadCloser.Read(b[:len(b)/2])
		return n, errors.New("injected failure")
	}
	return f.ReadCloser.Read(b)
}

var tool = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "quant")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "quant")
	c := exec.Command("go", "build", "-o", path, "./quant")
	// In the workspace, which maps the version of the library that the tool requires.
	work, err := filepath.Abs("../go.work")
	if err != nil {
		return "", err
	}
	c.Dir, c.Env = "../cmd", append(os.Environ(), "GOWORK="+work)
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

// npy returns an .npy file of random values, which depend on seed.
func npy(seed uint64, shape ...int) []byte {
	n := 1
	for _, d := range shape {
		n *= d
	}
	text := strings.NewReplacer("[", "(", "]", ",)", " ", ",").Replace(fmt.Sprint(shape))
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", text)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	b = append(b, head...)
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(r.NormFloat64()*math.Exp(r.NormFloat64()))))
	}
	return b
}

func write0(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// onPrism calibrates globs, and returns the bytes of the calibration and the state.
func onPrism(t *testing.T, o Options, globs ...string) (calibration, state []byte, err error) {
	t.Helper()
	dir := t.TempDir()
	p := beam.NewPipeline()
	CalibrateFiles(p.Root(), o, filepath.Join(dir, "c.json"), filepath.Join(dir, "c.state"), filepath.Join(dir, "bad"), globs...)
	if err := beamx.Run(context.Background(), p); err != nil {
		if _, e := os.Stat(filepath.Join(dir, "c.json")); e == nil {
			t.Error("a run that failed has written a file")
		}
		return nil, nil, err
	}
	calibration, _ = os.ReadFile(filepath.Join(dir, "c.json"))
	state, _ = os.ReadFile(filepath.Join(dir, "c.state"))
	return calibration, state, nil
}

// onTool calibrates files with quant calibrate.
func onTool(t *testing.T, flags []string, files ...string) (calibration, state []byte) {
	t.Helper()
	program, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := append([]string{"calibrate", "-o", dir + "/c.json", "--state", dir + "/c.state", "--name", "{folder}"}, flags...)
	if out, err := exec.Command(program, append(args, files...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calibration, _ = os.ReadFile(dir + "/c.json")
	state, _ = os.ReadFile(dir + "/c.state")
	return calibration, state
}

// batches writes files of batches of two tensors, and returns their folder.
func batches(t *testing.T) string {
	dir := t.TempDir()
	for k, folder := range []string{"conv", "dense"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			shape := []int{3 + i, 8, 20 * (k + 1), 16}
			if i == 5 && k == 1 {
				shape = []int{40, 8, 100, 16} // several blocks
			}
			write0(t, filepath.Join(dir, folder, fmt.Sprintf("%d.npy", i)), npy(uint64(10*k+i), shape...))
		}
	}
	return dir
}

func TestCalibrateSameBytes(t *testing.T) {
	dir := batches(t)
	files, _ := filepath.Glob(dir + "/*/*.npy")
	for _, test := range []struct {
		scheme string
		flags  []string
	}{
		{"int8:minmax:zero", nil},
		{"int8:percentile=99.9:zero", []string{"--method", "percentile=99.9"}},
		{"int4:mse:zero", []string{"--method", "mse", "--bits", "4"}},
		{"int8:channel@1:mae:zero", []string{"--method", "mae", "--axis", "1"}},
		{"uint8:entropy", []string{"--method", "entropy", "--unsigned", "--zero-in-range=false"}},
	} {
		s, err := quant.ParseScheme(test.scheme)
		if err != nil {
			t.Fatal(err)
		}
		o, err := NewOptions(s)
		if err != nil {
			t.Fatal(err)
		}
		o.Name = "{folder}"
		calibration, state := onTool(t, test.flags, files...)
		o.FanOut = 0
		if strings.Contains(test.scheme, "mae") {
			o.FanOut = 3
		}
		for _, workers := range []int{1, 2, 7} {
			for _, faults := range []int64{0, 3} {
				t.Run(fmt.Sprintf("%s, %d workers, %d failures", test.scheme, workers, faults), func(t *testing.T) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
					inject(faults)
					gotCalibration, gotState, err := onPrism(t, o, "faulty://"+dir+"/*/*.npy")
					if err != nil {
						t.Fatal(err)
					}
					if failures.Load() > 0 {
						t.Error("not all failures were injected")
					}
					if !bytes.Equal(gotState, state) {
						t.Errorf("%d bytes of state, want %d: they differ", len(gotState), len(state))
					}
					if !bytes.Equal(gotCalibration, calibration) {
						t.Errorf("calibration\n%.600s\nwant\n%.600s", gotCalibration, calibration)
					}
				})
			}
		}
	}
}

// TestRepeatedBundles combines parts in random bundles, of which some fail in
// the middle and are repeated, with accumulators coded between stages.
func TestRepeatedBundles(t *testing.T) {
	f := &ObserveFn{Scheme: "int8:channel@1:mse"}
	r := rand.New(rand.NewPCG(1, 2))
	var parts []Part
	for i := range 40 {
		x := make([]float32, (i+1)*6)
		for k := range x {
			x[k] = float32(r.NormFloat64())
		}
		parts = append(parts, NewPart(fmt.Sprint("batch ", i), "x", quant.Tensor{Data: x, Shape: []int{i + 1, 6}}))
	}
	run := func(parts []Part) Accumulator {
		a, err := f.CreateAccumulator()
		for _, p := range parts {
			if err == nil {
				a, err = f.AddInput(a, p)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	want, err := f.ExtractOutput(run(parts))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		r.Shuffle(len(parts), func(i, k int) { parts[i], parts[k] = parts[k], parts[i] })
		var done []Accumulator
		for rest := parts; len(rest) > 0; {
			bundle := rest[:1+r.IntN(len(rest))]
			if r.IntN(2) == 0 {
				run(bundle[:r.IntN(len(bundle)+1)]) // it fails, and its accumulator is lost
			}
			b, err := encodeAccumulator(run(bundle))
			if err != nil {
				t.Fatal(err)
			}
			a, err := decodeAccumulator(b)
			if err != nil {
				t.Fatal(err)
			}
			done, rest = append(done, a), rest[len(bundle):]
		}
		all, err := f.CreateAccumulator()
		for _, i := range r.Perm(len(done)) {
			if err == nil {
				all, err = f.MergeAccumulators(all, done[i])
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.ExtractOutput(all); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("another state than that of one bundle, error %v", err)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name, file string
		data       []byte
		want       []string
	}{
		{"not finite", "x.npy", append(npy(1, 5)[:len(npy(1, 5))-4], 0, 0, 0xc0, 0x7f), []string{"x.npy", `tensor "x"`, "NaN at index 4"}},
		{"short", "x.npy", npy(1, 50)[:100], []string{"x.npy", "100 bytes where the header tells of"}},
		{"no format", "x.bin", []byte("nothing of the kind"), []string{"x.bin", "neither an .npy"}},
		{"safetensors", "x.safetensors", []byte("\xff\xff\x00\x00\x00\x00\x00\x00{}"), []string{"x.safetensors", "a header of 65535 bytes in a file of 10"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write0(t, filepath.Join(dir, test.file), test.data)
			o := Options{Scheme: "int8", Name: "{stem}"}
			_, _, err := onPrism(t, o, dir+"/*")
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v lacks %q", err, want)
				}
			}
		})
	}
}

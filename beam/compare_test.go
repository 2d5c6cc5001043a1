package beam

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/a01592f9/quant/beam/report"
)

// A stTensor is a tensor of a safetensors file for tests.
type stTensor struct {
	name, dtype string
	shape       []int
	data        []byte
}

// safetensors returns a file of tensors.
func safetensors(t *testing.T, tensors ...stTensor) []byte {
	t.Helper()
	head := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	for _, x := range tensors {
		head[x.name] = map[string]any{"dtype": x.dtype, "shape": x.shape, "data_offsets": []int{len(data), len(data) + len(x.data)}}
		data = append(data, x.data...)
	}
	text, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), data...)
}

// floats32 returns the bytes of random values.
func floats32(seed uint64, shape ...int) []byte {
	n := 4
	for _, d := range shape {
		n *= d
	}
	all := npy(seed, shape...)
	return all[len(all)-n:]
}

// bfloats returns the same values in bfloat16.
func bfloats(seed uint64, shape ...int) []byte {
	from := floats32(seed, shape...)
	var b []byte
	for i := 0; i < len(from); i += 4 {
		b = append(b, from[i+2], from[i+3])
	}
	return b
}

// shards writes a model of two shards with an index, and returns its folder.
// Its weights, in the order of the data, are not in the order of their names.
func shards(t *testing.T) string {
	dir := t.TempDir()
	constant := bytes.Repeat([]byte{0, 0, 0x80, 0x3f}, 12)
	bad := floats32(9, 4, 6)
	binary.LittleEndian.PutUint32(bad[4*13:], math.Float32bits(float32(math.NaN())))
	one := safetensors(t,
		stTensor{"z.weight", "F32", []int{8, 96}, floats32(1, 8, 96)},
		stTensor{"a.weight", "BF16", []int{16, 3, 3, 5}, bfloats(2, 16, 3, 3, 5)},
		stTensor{"a.bias", "F32", []int{16}, floats32(3, 16)},
		stTensor{"ids", "I64", []int{2, 2}, make([]byte, 32)},
		stTensor{"zero", "F32", []int{3, 4}, make([]byte, 48)},
	)
	two := safetensors(t,
		stTensor{"m.weight", "F32", []int{64, 256}, floats32(4, 64, 256)},
		stTensor{"bad.weight", "F32", []int{4, 6}, bad},
		stTensor{"constant", "F32", []int{4, 3}, constant},
		stTensor{"<empty> & none", "F32", []int{0, 7}, nil},
		stTensor{"scalar", "F32", []int{}, floats32(5)},
	)
	write0(t, filepath.Join(dir, "model-00001-of-00002.safetensors"), one)
	write0(t, filepath.Join(dir, "model-00002-of-00002.safetensors"), two)
	return dir
}

// jsonOnTool returns the JSON of a command of the tool, and the error that it
// ended with.
func jsonOnTool(t *testing.T, args ...string) ([]byte, string) {
	t.Helper()
	program, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	var out, errors bytes.Buffer
	c := exec.Command(program, append(args, "--format", "json")...)
	c.Stdout, c.Stderr = &out, &errors
	c.Run()
	return out.Bytes(), strings.TrimPrefix(strings.TrimSpace(errors.String()), "quant: ")
}

// reportOnPrism returns the report of a pipeline.
func reportOnPrism(t *testing.T, o CompareOptions, globs ...string) ([]byte, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	p := beam.NewPipeline()
	CompareFiles(p.Root(), o, Options{Name: "{stem}"}, path, "", globs...)
	if err := beamx.Run(context.Background(), p); err != nil {
		if _, e := os.Stat(path); e == nil {
			t.Error("a run that failed has written a report")
		}
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, nil
}

// firstDifference returns the lines around the first byte that differs.
func firstDifference(got, want []byte) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	around := func(b []byte) []byte { return b[max(0, min(i, len(b))-200):min(len(b), i+100)] }
	return fmt.Sprintf("from byte %d of %d and %d on\n%s\nwant\n%s", i, len(got), len(want), around(got), around(want))
}

// comparisons are options of reports, and the flags of the tool for them.
func comparisons() map[string]struct {
	o     CompareOptions
	flags []string
} {
	type pair = struct {
		o     CompareOptions
		flags []string
	}
	axis, along, target := -1, 0, 25.0
	plain, method, groups, spelled := report.DefaultOptions(), report.DefaultOptions(), report.DefaultOptions(), report.DefaultOptions()
	method.Bits, method.Method, method.Mapping, method.NarrowRange = 4, "mse", "symmetric", true
	groups.Bits, groups.Unsigned, groups.Method, groups.GroupSize, groups.Axis, groups.GroupAxis = 3, true, "percentile=99.9", 4, &axis, &along
	spelled.Tensors, spelled.ZeroInRange = []string{"a.bias", "scalar", "z*", "bad*"}, true
	signed, half := report.DefaultOptions(), report.SweepOptions{Bits: []int{4}, GroupSizes: []int{16}, Mapping: "symmetric", Method: "minmax", Divisor: "half"}
	signed.Bits, signed.Mapping, signed.SignedScale, signed.GroupSize = 4, "symmetric", true, 8
	sweep := report.SweepOptions{Bits: []int{8, 4, 3}, GroupSizes: []int{16, 64}, Target: &target, Method: "entropy"}
	return map[string]pair{
		"compare":         {CompareOptions{Compare: &plain}, []string{"compare"}},
		"compare, mse":    {CompareOptions{Compare: &method}, []string{"compare", "--bits=4", "--method=mse", "--mapping=symmetric", "--narrow-range"}},
		"compare, groups": {CompareOptions{Compare: &groups}, []string{"compare", "--bits=3", "--unsigned", "--method=percentile=99.9", "--group-size=4", "--axis=-1", "--group-axis=0"}},
		"compare, names":  {CompareOptions{Compare: &spelled}, []string{"compare", "--zero-in-range", "--tensor=a.bias", "--tensor=scalar", "--tensor=z*", "--tensor=bad*"}},
		"compare, signed": {CompareOptions{Compare: &signed}, []string{"compare", "--bits=4", "--mapping=symmetric", "--signed-scale", "--group-size=8"}},
		"sweep, divisor":  {CompareOptions{Sweep: &half}, []string{"sweep", "--bits=4", "--group-size=16", "--mapping=symmetric", "--divisor=half"}},
		"sweep":           {CompareOptions{Sweep: &sweep}, []string{"sweep", "--bits=3,4,8", "--group-size=16,64", "--target=25", "--method=entropy"}},
	}
}

func TestReportsSameBytes(t *testing.T) {
	dir := shards(t)
	for name, test := range comparisons() {
		want, message := jsonOnTool(t, append(test.flags, dir)...)
		for _, workers := range []int{1, 7} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
				o := test.o
				o.Source = dir
				got, err := reportOnPrism(t, o, dir+"/*.safetensors")
				if err != nil {
					t.Fatal(err)
				}
				if len(want) == 0 || !bytes.Equal(got, want) {
					t.Errorf("the report differs from the tool's %s", firstDifference(got, want))
				}
				if err := report.Failed(got); err == nil || err.Error() != message {
					t.Errorf("error %v, the tool's is %s", err, message)
				}
			})
		}
	}
}

// TestReportsOfFormats compares archives and single arrays, from a file system
// that reads files from their start only and fails at times.
func TestReportsOfFormats(t *testing.T) {
	for file, data := range map[string][]byte{
		"w.npy": npy(1, 33, 65), "v.npy": npy(2, 500),
		"stored.npz": archiveOf(t, zip.Store), "deflated.npz": archiveOf(t, zip.Deflate),
	} {
		for _, scheme := range []string{"", "faulty://"} {
			t.Run(scheme+file, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				write0(t, path, data)
				options := report.DefaultOptions()
				options.GroupSize = 32
				want, _ := jsonOnTool(t, "compare", "--group-size=32", path)
				inject(3)
				got, err := reportOnPrism(t, CompareOptions{Source: path, Compare: &options}, scheme+path)
				if err != nil {
					t.Fatal(err)
				}
				if scheme != "" && failures.Load() > 0 {
					t.Error("not all failures were injected")
				}
				if len(want) == 0 || !bytes.Equal(got, want) {
					t.Errorf("the report differs from the tool's %s", firstDifference(got, want))
				}
			})
		}
	}
}

func TestReportErrors(t *testing.T) {
	dir := shards(t)
	twice := t.TempDir()
	write0(t, filepath.Join(twice, "one.safetensors"), safetensors(t, stTensor{"w", "F32", []int{1, 1}, floats32(1, 1)}))
	write0(t, filepath.Join(twice, "two.safetensors"), safetensors(t, stTensor{"w", "F32", []int{1, 1}, floats32(1, 1)}))
	plain, named, axis := report.DefaultOptions(), report.DefaultOptions(), report.DefaultOptions()
	named.Tensors = []string{"nothing"}
	seven := 7
	axis.Axis = &seven
	for _, test := range []struct {
		name string
		o    *report.Options
		glob string
		want string
	}{
		{"twice", &plain, twice + "/*", `tensor "w" is in two files, ` + twice + `/one.safetensors and ` + twice + `/two.safetensors`},
		{"no name", &named, dir + "/*", `S: no tensor matches "nothing"; there are "z.weight", "a.weight", "a.bias"`},
		{"no axis", &axis, dir + "/*2-of*", `S: tensor "m.weight": there is no axis 7 in shape 64×256`},
		{"glob twice", &plain, "", twice + "/one.safetensors: two globs name it"},
		{"folder", &plain, dir, dir + ": a folder: name its files, as " + dir + "/*.safetensors"},
		{"no file", &plain, dir + "/*.npy", dir + "/*.npy: there is no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			globs := []string{test.glob}
			if test.glob == "" {
				globs = []string{twice + "/one*", twice + "/o*"}
			}
			_, err := reportOnPrism(t, CompareOptions{Source: "S", Compare: test.o}, globs...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestEntryCoder(t *testing.T) {
	for _, e := range []report.Entry{{}, {Position: 300, Name: "w", JSON: []byte("{}")}, {Name: "é", Skipped: true, JSON: []byte("[1]")}} {
		b, err := encodeEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeEntry(b)
		if err != nil || got.Position != e.Position || got.Name != e.Name || got.Skipped != e.Skipped || !bytes.Equal(got.JSON, e.JSON) {
			t.Errorf("%+v became %+v, error %v", e, got, err)
		}
	}
	for _, b := range []string{"", "\x80", "\x01\x00", "\x01\x00\x05ab"} {
		if _, err := decodeEntry([]byte(b)); err == nil {
			t.Errorf("%q is an entry", b)
		}
	}
}

package beam

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/a01592f9/quant/beam/report"
)

// onlyFile returns the bytes of a file, and makes sure that there is no other in
// its folder: parts of files are gone at the end.
func onlyFile(t *testing.T, path string) []byte {
	t.Helper()
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(all) != 1 {
		t.Errorf("%d files beside %s, error %v", len(all)-1, path, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// badFilesOf writes files that are bad, and returns the reason for each.
func badFilesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	deflated := archiveOf(t, zip.Deflate)
	damaged := bytes.Clone(deflated)
	for i := range 64 {
		damaged[3000+i] ^= 0xff
	}
	fortran := bytes.Replace(npy(1, 4, 4), []byte("False"), []byte("True "), 1)
	whole := npy(1, 50)
	for name, data := range map[string][]byte{
		"short.npy": whole[:100], "long.npy": append(whole, 0), "text.npy": []byte("hello"), "fortran.npy": fortran, "damaged.npz": damaged,
		"cut.npz": deflated[:len(deflated)/2], "head.safetensors": []byte("\xff\xff\x00\x00\x00\x00\x00\x00{}"),
		"wide.npy":         bytes.Replace(npy(1, 4), []byte("<f4"), []byte("<f8"), 1),
		"none.safetensors": safetensors(t), "empty.npy": nil,
		"offsets.safetensors": safetensors(t, stTensor{"w", "F32", []int{2, 2}, make([]byte, 12)}),
	} {
		write0(t, filepath.Join(dir, name), data)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.npy"), 0o755); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"short.npy":           fmt.Sprintf("100 bytes where the header tells of %d", len(whole)),
		"long.npy":            fmt.Sprintf("%d bytes where the header tells of %d", len(whole)+1, len(whole)),
		"text.npy":            "neither an .npy, an .npz nor a .safetensors file",
		"empty.npy":           "neither an .npy, an .npz nor a .safetensors file",
		"fortran.npy":         "the .npy file is in Fortran order, which is not read here",
		"wide.npy":            "type <f8 is not read here: convert it to float32",
		"damaged.npz":         `member "w.npy": `, // and what the decompression says
		"cut.npz":             "zip: not a valid zip file",
		"head.safetensors":    "not a safetensors file: a header of 65535 bytes in a file of 10",
		"none.safetensors":    "there are no tensors in it",
		"offsets.safetensors": `tensor "w": 12 bytes for shape [2 2] of F32`,
		"folder.npy":          "is a directory",
	}
}

// goodFiles writes files of two tensors.
func goodFiles(t *testing.T, dir string) {
	write0(t, filepath.Join(dir, "good.npy"), npy(5, 20, 30))
	write0(t, filepath.Join(dir, "good.npz"), archiveOf(t, zip.Deflate))
}

// checkBad checks the file of bad files, which has a line for each.
func checkBad(t *testing.T, dir string, list []byte, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for line := range strings.Lines(string(list)) {
		file, reason, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || got[file] != "" {
			t.Errorf("line %q", line)
		}
		got[filepath.Base(file)] = reason
		if filepath.Dir(file) != dir {
			t.Errorf("file %s is not in %s", file, dir)
		}
	}
	for name, reason := range want {
		if !strings.Contains(got[name], reason) {
			t.Errorf("%s is bad because %q, want %q", name, got[name], reason)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("files that are not bad: %v", got)
	}
}

func TestSkipBad(t *testing.T) {
	dir, alone := t.TempDir(), t.TempDir()
	goodFiles(t, dir)
	goodFiles(t, alone)
	want := badFilesOf(t, dir)
	options := report.DefaultOptions()
	run := func(t *testing.T, in string, skip bool) (results [3][]byte, err error) {
		out := t.TempDir()
		paths := [3]string{filepath.Join(out, "calibration"), filepath.Join(out, "report"), filepath.Join(out, "bad")}
		p := beam.NewPipeline()
		o := Options{Scheme: "int8:mse:zero", Name: "{stem}", SkipBad: skip}
		CalibrateFiles(p.Root(), o, paths[0], "", paths[2], in+"/*")
		CompareFiles(p.Root(), CompareOptions{Source: "S", Compare: &options}, o, paths[1], paths[2], in+"/*")
		if err := beamx.Run(context.Background(), p); err != nil {
			return results, err
		}
		for i, path := range paths {
			if results[i], err = os.ReadFile(path); err != nil && i < 2 {
				t.Fatal(err)
			}
		}
		return results, nil
	}
	skipped, err := run(t, dir, true)
	if err != nil {
		t.Fatal(err)
	}
	clean, err := run(t, alone, true)
	if err != nil {
		t.Fatal(err)
	}
	checkBad(t, dir, skipped[2], want)
	if clean[2] != nil {
		t.Errorf("without bad files there is a file of them: %s", clean[2])
	}
	if got := bytes.ReplaceAll(skipped[0], []byte(dir), []byte(alone)); !bytes.Equal(got, clean[0]) {
		t.Errorf("bad files count: %s", firstDifference(got, clean[0]))
	}
	if !bytes.Equal(skipped[1], clean[1]) {
		t.Errorf("bad files are in the report: %s", firstDifference(skipped[1], clean[1]))
	}
	if _, err := run(t, dir, false); err == nil {
		t.Error("bad files are no error")
	}
}

// counters runs a pipeline and returns the counters of the library.
func counters(t *testing.T, p *beam.Pipeline) map[string]int64 {
	t.Helper()
	result, err := beamx.RunWithMetrics(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	for _, c := range result.Metrics().AllMetrics().Counters() {
		if c.Namespace() == "quant" {
			all[c.Name()] += c.Result()
		}
	}
	return all
}

func TestMetrics(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	values := npy(1, 200, 1000) // two blocks
	data := values[len(values)-4*200*1000:]
	for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.NaN()} {
		binary.LittleEndian.PutUint32(data[4*50000*i:], math.Float32bits(float32(v)))
	}
	write0(t, filepath.Join(dir, "x.npy"), values)
	write0(t, filepath.Join(dir, "y.safetensors"), safetensors(t,
		stTensor{"b", "BF16", []int{3, 7}, bfloats(1, 3, 7)}, stTensor{"ids", "I64", []int{1}, make([]byte, 8)}))
	write0(t, filepath.Join(dir, "z.npy"), []byte("bad"))

	o := Options{Scheme: "int8:minmax:zero", Name: "{stem}", IgnoreNotFinite: true, SkipBad: true}
	p := beam.NewPipeline()
	CalibrateFiles(p.Root(), o, filepath.Join(out, "c"), "", filepath.Join(out, "b"), dir+"/*")
	want := map[string]int64{"values": 200021, "bytes": 800042, "not_finite": 4, "tensors": 2, "bad_files": 1}
	if got := counters(t, p); !maps.Equal(got, want) {
		t.Errorf("calibrate: %v, want %v", got, want)
	}

	options := report.DefaultOptions()
	p = beam.NewPipeline()
	CompareFiles(p.Root(), CompareOptions{Source: "S", Compare: &options}, o, filepath.Join(out, "r"), filepath.Join(out, "b"), dir+"/*")
	want = map[string]int64{"values": 200021, "bytes": 800042, "compared": 1, "failed": 1, "tensors": 2, "bad_files": 1}
	if got := counters(t, p); !maps.Equal(got, want) {
		t.Errorf("compare: %v, want %v", got, want)
	}
}

// TestErrorsNamePlace compares the errors for values that are not finite, in
// every kind of block, with those of the tool.
func TestErrorsNamePlace(t *testing.T) {
	program, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	for scheme, flags := range map[string][]string{
		"int8:minmax:zero":               {},
		"int8:channel@1:minmax:zero":     {"--axis=1"},
		"int8:channel@0:minmax:zero":     {"--axis=0"}, // a row that is longer than a block
		"int8:group1000@-1:minmax:zero":  {"--group-size=1000"},
		"int8:channel@-1:percentile=99:": {"--axis=-1", "--method=percentile=99", "--zero-in-range=false"},
	} {
		t.Run(scheme, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.npy")
			data := npy(1, 300, 4, 250)
			binary.LittleEndian.PutUint32(data[len(data)-4*1234:], math.Float32bits(float32(math.Inf(-1))))
			write0(t, path, data)
			out, _ := exec.Command(program, append(append([]string{"calibrate", "-o", path + ".json"}, flags...), path)...).CombinedOutput()
			want, _, advised := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(out)), "quant: "), "; --ignore-non-finite") // a flag of the tool
			if !advised || !strings.Contains(want, "-Inf") || !strings.Contains(want, "index 298766") {
				t.Fatalf("the tool says %q", want)
			}
			_, _, err := onPrism(t, Options{Scheme: strings.TrimSuffix(scheme, ":"), Name: "{stem}"}, path)
			if err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("error %v\nwant %s", err, want)
			}
		})
	}
}

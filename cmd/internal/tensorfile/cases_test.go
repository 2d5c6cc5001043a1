package tensorfile

import (
	"slices"
	"strings"
	"testing"
)

// TestCases opens the files under testdata/cases, which were made after public
// reports, and looks for the right value, or the right error.
func TestCases(t *testing.T) {
	two := []float32{1.5, -0.25, 3.5, 4.5}
	for _, c := range []struct {
		path, err string // the end of the error, "" if the file is read
		shape     []int
		want      []float32
	}{
		{"csv/empty_shift.csv", "csv: line 1, column 3: empty field", nil, nil},
		{"csv/empty_cell.csv", "csv: line 1, column 3: empty field", nil, nil},
		{"csv/na_excel.csv", `csv: line 1, column 5: "#N/A" is not a number`, nil, nil},
		{"csv/div0.csv", `csv: line 1, column 3: "#DIV/0!" is not a number`, nil, nil},
		{"csv/uminus_first.csv", "", []int{2, 2}, []float32{-1.5, -2.5, 3, 4}},
		{"csv/f.csv", `csv: line 1, column 1: "1.5f" is not a number`, nil, nil},
		{"csv/semi.csv", "", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"csv/semihdr.csv", "", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"csv/decimal_comma.csv", "", []int{2, 3}, []float32{1.5, 2.5, 3.25, 4, 5.5, 6.75}},
		{"csv/json.txt", "", []int{2, 2}, two},
		{"csv/numpy_print.txt", "", []int{2, 2}, two},
		{"csv/torch_repr.txt", "", []int{2, 2}, two},
		{"numpy/recuni.npy", `npy: elements of type [('é', '<f4')] are not read: records of "é"; save a field by itself, as a["é"]`, nil, nil},
		{"numpy/41_bf16_V2.npy", "npy: elements of type |V2 are not read: " + npyVoid2, nil, nil},
		{"onnx/lfs.onnx", "it is a Git LFS pointer to a file of 12345 bytes, not the tensors themselves: fetch the file with git lfs pull", nil, nil},
		{"safetensors/lfs.safetensors", "it is a Git LFS pointer to a file of 12345 bytes, not the tensors themselves: fetch the file with git lfs pull", nil, nil},
	} {
		t.Run(c.path, func(t *testing.T) {
			f, err := Open("testdata/cases/" + c.path)
			if err == nil && c.err != "" {
				defer f.Close()
				_, err = f.Load(0)
			}
			if c.err != "" {
				if err == nil || !strings.HasSuffix(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if got := f.Tensors()[0].Shape; !slices.Equal(got, c.shape) {
				t.Errorf("shape %v, want %v", got, c.shape)
			}
			if got, err := f.Load(0); err != nil || !sameBits(got, c.want) {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
}

// TestCaseTensors looks at the first values of tensors that could not be read.
func TestCaseTensors(t *testing.T) {
	for _, c := range []struct {
		path, name, dtype string
		shape             []int
		first             []float32
	}{
		{"numpy/41_bf16_name.npy", "", "BF16", []int{4, 6}, []float32{2.03125, -2.546875, 0.41796875, -0.56640625}},
		{"numpy/longname.npy", "", "F32", []int{4, 6}, []float32{2.040919, -2.555665, 0.41809884, -0.5677696}},
		{"numpy/extra.npz", "w", "F32", []int{4, 6}, []float32{2.040919, -2.555665, 0.41809884, -0.5677696}},
		{"numpy/extra.npz", "noext", "F32", []int{4, 6}, []float32{2.040919, -2.555665, 0.41809884, -0.5677696}},
		{"safetensors/823_meta_null.safetensors", "fc.weight", "F32", []int{8, 64}, []float32{0.34558418, 0.82161814, 0.33043706, -1.3031572}},
		{"safetensors/2875_f8.safetensors", "fc.weight", "F32", []int{8, 64}, []float32{0.34558418, 0.82161814, 0.33043706, -1.3031572}},
		{"safetensors/2875_f8.safetensors", "f8.weight", "F8_E4M3", []int{8, 64}, []float32{0.0546875, 7, 144, 11}},
		{"safetensors/2875_f8.safetensors", "f8b.weight", "F8_E5M2", []int{8, 64}, []float32{0.00146484375, 24, 10240, 56}},
		{"safetensors/2875_f8.safetensors", "sc", "F8_E8M0", []int{8, 2}, []float32{1, 1, 1, 1}},
		{"safetensors/839_f4.safetensors", "w.weight", "F4", []int{2, 8}, []float32{0, 0, 0.5, 0, 1, 0, 1.5, 0, 2, 0, 3, 0, 4, 0, 6, 0}},
		{"safetensors/839_f4.safetensors", "s", "F8_E8M0", []int{3}, []float32{0.5, 1, 2}},
		{"safetensors/839_f4.safetensors", "f6", "F6_E2M3", []int{2, 8}, make([]float32, 16)},
		{"safetensors/comfy_fp8.safetensors", "l.weight", "F8_E4M3", []int{8, 64}, []float32{0.02734375, 3.5, 72, 5.5}},
	} {
		t.Run(c.path+" "+c.name, func(t *testing.T) {
			f, err := Open("testdata/cases/" + c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			i := slices.IndexFunc(f.Tensors(), func(i Info) bool { return i.Name == c.name })
			if i < 0 {
				t.Fatalf("%+v", f.Tensors())
			}
			if info := f.Tensors()[i]; info.DType != c.dtype || !slices.Equal(info.Shape, c.shape) {
				t.Errorf("%+v, want %s of shape %v", info, c.dtype, c.shape)
			}
			if got, err := f.Load(i); err != nil || !sameBits(got[:len(c.first)], c.first) {
				t.Errorf("%v, %v, want %v", got[:min(len(got), 16)], err, c.first)
			}
		})
	}
	f, err := Open("testdata/cases/numpy/extra.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if want := []Skipped{{"readme.txt", "not an array"}}; !slices.Equal(f.Skipped, want) {
		t.Errorf("skipped %+v, want %+v", f.Skipped, want)
	}
}

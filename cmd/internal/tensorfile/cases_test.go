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
	} {
		t.Run(c.path, func(t *testing.T) {
			f, err := Open("testdata/cases/" + c.path)
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

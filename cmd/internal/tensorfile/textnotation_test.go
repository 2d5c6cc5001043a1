package tensorfile

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// A notation is a text, and how it is read.
type notation struct {
	name, file, data string
	shape            []int
	want             []float32
	summary          string
	notes            []string
}

var (
	square, two = []int{2, 2}, []float32{1.5, -0.25, 3.5, 4.5}
	six         = []float32{1, 2, 3, 4, 5, 6}
)

// arrayNotations are lists and prints of arrays.
var arrayNotations = []notation{
	{"JSON", "", "[[1.5,-0.25],[3.5,4.5]]", square, two, "a 2×2 array (nested brackets)", nil},
	{"JSON file", "x.json", " [ [1.5, -0.25],\n [3.5, 4.5] ]\n", square, two, "a 2×2 array (nested brackets)", nil},
	{"one row", "", "[1, 2, 3]", []int{1, 3}, []float32{1, 2, 3}, "a 1×3 array (nested brackets)", nil},
	{"rows on lines", "", "[1, 2, 3]\n[4, 5, 6]\n", []int{2, 3}, six, "a 2×3 array (nested brackets)", nil},
	{"rows after commas", "", "[1, 2, 3], [4, 5, 6]", []int{2, 3}, six, "a 2×3 array (nested brackets)", nil},
	{"one trailing comma", "", "[[1, 2, 3,], [4, 5, 6,],]", []int{2, 3}, six, "a 2×3 array (nested brackets)", nil},
	{"tuples", "", "((1.5, -0.25), (3.5, 4.5))", square, two, "a 2×2 array (nested brackets)", nil},
	{"braces", "", "{{1.5, -0.25}, {3.5, 4.5}};", square, two, "a 2×2 array (nested brackets)", nil},
	{"three axes", "", "[[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]]", []int{3, 2, 2},
		[]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, "a 3×2×2 array (nested brackets)", nil},
	{"print of NumPy", "", "[[ 1.5  -0.25]\n [ 3.5   4.5 ]]", square, two, "a 2×2 array (as NumPy prints it)", nil},
	{"print of NumPy over lines", "", "[[1. 2.\n  3.]\n [4. 5.\n  6.]]", []int{2, 3}, six, "a 2×3 array (as NumPy prints it)", nil},
	{"repr of NumPy", "", "array([[ 1.5 , -0.25],\n       [ 3.5 ,  4.5 ]], dtype=float32)", square, two, "a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"assigned", "", "w = np.array([[1.5, -0.25], [3.5, 4.5]])", square, two, "a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"assigned list", "", "w=[[1.5, -0.25], [3.5, 4.5]]", square, two, "a 2×2 array (nested brackets)", nil},
	{"PyTorch", "", "tensor([[ 1.5000, -0.2500],\n        [ 3.5000,  4.5000]], device='cuda:0', dtype=torch.float16)", square, two,
		"a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"gradient", "", "tensor([[1.5, -0.25], [3.5, 4.5]], grad_fn=<AddmmBackward0>)", square, two, "a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"parameter", "", "Parameter containing:\ntensor([[1.5, -0.25],\n        [3.5, 4.5]], requires_grad=True)", square, two, "a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"scalar", "", "tensor(3.5)", []int{1, 1}, []float32{3.5}, "a 1×1 array (nested brackets)", nil},
	{"list of tensors", "", "[tensor([1.5, -0.25]), tensor([3.5, 4.5])]", square, two, "a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"TensorFlow", "", "<tf.Tensor: shape=(2, 2), dtype=float32, numpy=\narray([[ 1.5 , -0.25],\n       [ 3.5 ,  4.5 ]], dtype=float32)>", square, two,
		"a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"variable of TensorFlow", "", "<tf.Variable 'w:0' shape=(2, 2) dtype=float32, numpy=\narray([[ 1.5 , -0.25],\n       [ 3.5 ,  4.5 ]], dtype=float32)>", square, two,
		"a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"scalars of NumPy 2", "", "[np.float32(1.5), np.float32(-0.25)]", []int{1, 2}, two[:2], "a 1×2 array (as NumPy or PyTorch write it)", nil},
	{"Paddle", "", "Tensor(shape=[2, 2], dtype=float32, place=Place(cpu), stop_gradient=True,\n       [[1.5, -0.25],\n        [3.5, 4.5]])", square, two,
		"a 2×2 array (as NumPy or PyTorch write it)", nil},
	{"MATLAB", "", "A = [1.5 -0.25; 3.5 4.5];", square, two, "a 2×2 array (rows that end with semicolons, in brackets)", nil},
	{"MATLAB, trailing semicolon", "", "[1.5, -0.25;\n 3.5, 4.5;]", square, two, "a 2×2 array (rows that end with semicolons, in brackets)", nil},
	{"lines in brackets", "", "[1 2\n3 4]", []int{1, 4}, []float32{1, 2, 3, 4}, "a 1×4 array (as NumPy prints it)",
		[]string{"the ends of lines inside the brackets separate values and end no row; give each row its brackets, or a semicolon at its end"}},
	{"minus sign in brackets", "", "[\u22121, 2]", []int{1, 2}, []float32{-1, 2}, "a 1×2 array (nested brackets)", nil},
}

// lineNotations are tables, cells of spreadsheets and lines with labels.
var lineNotations = []notation{
	{"Markdown", "", "| a | b |\n|---|--:|\n| 1.5 | -0.25 |\n| 3.5 | 4.5 |", square, two, "2 channels × 2 values (a table)",
		[]string{`line 1 is a header and was left out: "a", "b"`}},
	{"Markdown with labels", "", "| name | a | b |\n|:--|---|---|\n| `w0` | **1.5** | \u22120.25 |\n| w1 | 3.5 | 4.5 |\n", square, two, "2 channels × 2 values (a table)",
		[]string{`line 1 is a header and was left out: "name", "a", "b"`, `the label of each line was left out: "` + "`w0`" + `", "w1"`}},
	{"Markdown of pandas", "", "|    |   0 |   1 |\n|---:|----:|----:|\n|  0 | 1.5 | -0.25 |\n|  1 | 3.5 | 4.5 |", square, two, "2 channels × 2 values (a table)",
		[]string{`line 1 is a header and was left out: "", "0", "1"`, `the label of each line was left out: "0", "1"`}},
	{"Markdown with numbers above", "", "| 0 | 1 |\n|---|---|\n| 1.5 | -0.25 |\n| 3.5 | 4.5 |", square, two, "2 channels × 2 values (a table)",
		[]string{`line 1 is a header and was left out: "0", "1"`}},
	{"drawn table", "", "+-----+-------+\n|   a |     b |\n+-----+-------+\n| 1.5 | -0.25 |\n| 3.5 |   4.5 |\n+-----+-------+\n", square, two, "2 channels × 2 values (a table)",
		[]string{`line 2 is a header and was left out: "a", "b"`}},
	{"box", "", "┌─────┬───────┐\n│ 1.5 │ -0.25 │\n├─────┼───────┤\n│ 3.5 │ 4.5   │\n└─────┴───────┘", square, two, "2 channels × 2 values (a table)", nil},
	{"bars alone", "", "1.5 | -0.25\n3.5 | 4.5", square, two, "2 channels × 2 values (a table)", nil},

	{"spreadsheet", "", "\ta\tb\nw0\t1.5\t-0.25\nw1\t3.5\t4.5\n", square, two, "2 channels × 2 values (separated by tabs)",
		[]string{`line 1 is a header and was left out: "", "a", "b"`, `the label of each line was left out: "w0", "w1"`}},
	{"spreadsheet with decimal commas", "", "1,5\t-0,25\n3,5\t4,5", square, two, "2 channels × 2 values (separated by tabs)",
		[]string{"commas are decimal signs, because tabs separate values; write thousands without a sign between them"}},
	{"spreadsheet, last column empty", "", "1.5\t-0.25\t\n3.5\t4.5\t\n", square, two, "2 channels × 2 values (separated by tabs)", nil},

	{"labels with colons", "", "Channel 1: 1.5, -0.25\nChannel 2: 3.5 4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`the label of each line was left out: "Channel 1", "Channel 2"`}},
	{"print of pandas", "", "     0     1\n0  1.5 -0.25\n1  3.5  4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`line 1 is a header and was left out: "0", "1"`, `the label of each line was left out: "0", "1"`}},
	{"print of pandas with names", "", "     a     b\n0  1.5 -0.25\n1  3.5  4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`line 1 is a header and was left out: "a", "b"`, `the label of each line was left out: "0", "1"`}},
	{"header over blanks", "", "a b\n1.5 -0.25\n3.5 4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`line 1 is a header and was left out: "a", "b"`}},
	{"numbers as labels", "", "0: 1.5 -0.25\n1: 3.5 4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`the label of each line was left out: "0", "1"`}},
	{"labels and blanks", "", "conv1 1.5 -0.25\nconv2 3.5 4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`the label of each line was left out: "conv1", "conv2"`}},
	{"labels and commas", "", "w0 1.5, -0.25\nw1 3.5, 4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`the label of each line was left out: "w0", "w1"`}},
	{"print of pandas with names of rows", "", "     a     b\nx  1.5 -0.25\ny  3.5  4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`line 1 is a header and was left out: "a", "b"`, `the label of each line was left out: "x", "y"`}},
	{"pasted header", "", "alpha,beta\n1.5,-0.25\n3.5,4.5", square, two, "2 channels × 2 values (separated by commas or blanks)",
		[]string{`line 1 is a header and was left out: "alpha", "beta"`}},
}

// fileNotations are CSV files.
var fileNotations = []notation{
	{"header", "x.csv", "a,b\n1.5,-0.25\n3.5,4.5", square, two, "2 channels × 2 values (separated by commas)",
		[]string{`line 1 is a header and was left out: "a", "b"`}},
	{"names with digits", "x.csv", "channel 1,channel 2\n1.5,-0.25\n3.5,4.5", square, two, "2 channels × 2 values (separated by commas)",
		[]string{`line 1 is a header and was left out: "channel 1", "channel 2"`}},
	{"names of tensors", "x.csv", "layer.0.weight,layer.1.weight\n1.5,-0.25\n3.5,4.5", square, two, "2 channels × 2 values (separated by commas)",
		[]string{`line 1 is a header and was left out: "layer.0.weight", "layer.1.weight"`}},
	{"file of pandas", "x.csv", ",0,1\n0,1.5,-0.25\n1,3.5,4.5\n", square, two, "2 channels × 2 values (separated by commas)",
		[]string{`line 1 is a header and was left out: "", "0", "1"`, `the label of each line was left out: "0", "1"`}},
	{"labels", "x.csv", "w0,1.5,-0.25\nw1,3.5,4.5", square, two, "2 channels × 2 values (separated by commas)",
		[]string{`the label of each line was left out: "w0", "w1"`}},
	{"comments", "x.csv", "# of the first layer\n1.5,-0.25\n  # and\n3.5,4.5", square, two, "2 channels × 2 values (separated by commas)",
		[]string{"2 comments left out"}},
	{"trailing separators", "x.csv", "1.5,-0.25,\n3.5,4.5,", square, two, "2 channels × 2 values (separated by commas)", nil},
	{"semicolons", "x.csv", "1;2;3\n4;5;6\n", []int{2, 3}, six, "2 channels × 3 values (separated by semicolons)",
		[]string{"semicolons separate the values of a channel, as in CSV"}},
	{"quoted decimal commas", "x.csv", "\"1,5\";\"-0,25\"\n\"3,5\";\"4,5\"", square, two, "2 channels × 2 values (separated by semicolons)",
		[]string{"commas are decimal signs, because semicolons separate values"}},
	{"line for Excel", "x.csv", "sep=;\n1,5;-0,25\n3,5;4,5", square, two, "2 channels × 2 values (separated by semicolons)",
		[]string{`line 1 is a header and was left out: "sep="`, "commas are decimal signs, because semicolons separate values"}},
	{"semicolons under a header", "x.csv", "a;b;c\n1;2;3\n4;5;6\n", []int{2, 3}, six, "2 channels × 3 values (separated by semicolons)",
		[]string{`line 1 is a header and was left out: "a", "b", "c"`, "semicolons separate the values of a channel, as in CSV"}},
	{"decimal commas", "x.csv", "1,5;-0,25\n3,5;4,5\n", square, two, "2 channels × 2 values (separated by semicolons)",
		[]string{"commas are decimal signs, because semicolons separate values"}},
	{"decimal commas from the second line on", "x.csv", "1;2;3\n4;5,0;6\n", []int{2, 3}, six, "2 channels × 3 values (separated by semicolons)",
		[]string{"commas are decimal signs, because semicolons separate values"}},
	{"channels after semicolons", "x.csv", "1 2 3; 4 5 6", []int{2, 3}, six, "2 channels × 3 values (separated by blanks)",
		[]string{"semicolons end channels"}},
	{"tabs", "x.tsv", "1.5\t-0.25\n3.5\t4.5", square, two, "2 channels × 2 values (separated by tabs)", nil},
	{"counted columns", "x.csv", "0,1,2\n1.5,2,3\n4,5,6", []int{3, 3}, []float32{0, 1, 2, 1.5, 2, 3, 4, 5, 6}, "3 channels × 3 values (separated by commas)",
		[]string{"line 1 was read as values, although it counts columns"}},
	{"counted lines", "x.csv", "idx,a\n0,1.5\n1,2.5\n2,3.5", []int{3, 2}, []float32{0, 1.5, 1, 2.5, 2, 3.5}, "3 channels × 2 values (separated by commas)",
		[]string{`line 1 is a header and was left out: "idx", "a"`, "the first value of each line was read as a value, although it counts lines"}},
}

// doubtfulNotations are pasted text that can be read in two ways.
var doubtfulNotations = []notation{
	{"pasted semicolons", "", "1;2;3\n4;5;6\n", []int{6, 1}, six, "6 channels × 1 value (separated by commas or blanks)",
		[]string{"semicolons end channels, which gives 6 channels of one value"}},
	{"pasted decimal commas", "", "1,5;2,5;3,25", []int{3, 2}, []float32{1, 5, 2, 5, 3, 25}, "3 channels × 2 values (separated by commas or blanks)",
		[]string{"semicolons end channels and commas separate values; the commas may be decimal signs"}},
	{"pasted thousands", "", "1,234.5 2,345.5", []int{1, 4}, []float32{1, 234.5, 2, 345.5}, "1 channel × 4 values (separated by commas or blanks)",
		[]string{"commas and blanks separate values; the commas may belong to the numbers, which have to be written with a point for the decimals and no sign for thousands"}},
	{"pasted decimal commas and blanks", "", "1,5 2,5\n3,5 4,5", []int{2, 4}, []float32{1, 5, 2, 5, 3, 5, 4, 5}, "2 channels × 4 values (separated by commas or blanks)",
		[]string{"commas and blanks separate values; the commas may be decimal signs"}},
}

// TestNotations reads what people paste and save, and looks at what is said of
// it.
func TestNotations(t *testing.T) {
	for _, c := range slices.Concat(arrayNotations, lineNotations, fileNotations, doubtfulNotations) {
		t.Run(c.name, func(t *testing.T) {
			f, err := parse(c.file, c.data)
			if err != nil {
				t.Fatal(err)
			}
			wantTensor(t, f, 0, "", c.shape, c.want)
			if got := f.Text.Summary(); got != c.summary || !slices.Equal(f.Text.Shape, c.shape) {
				t.Errorf("%q, want %q", got, c.summary)
			}
			var notes []string
			for _, n := range f.Text.Notes {
				notes = append(notes, n.Text)
			}
			if !slices.Equal(notes, c.notes) {
				t.Errorf("notes %q, want %q", notes, c.notes)
			}
		})
	}
}

// A refusal is a text that could be read only by guessing, and what is said of
// it.
type refusal struct {
	name, file, data string
	line, column     int
	msg              string
}

// lineRefusals are lines of values.
var lineRefusals = []refusal{
	{"empty field", "x.csv", "1,,3\n4,5,6", 1, 3, "empty field"},
	{"empty field, lines of equal length", "x.csv", "1,,3\n4,5,", 1, 3, "empty field"},
	{"empty first field", "x.csv", ",2,3\n4,5,6", 1, 1, "empty field"},
	{"two empty last fields", "x.csv", "4,5,6\n1,2,,\n", 2, 5, "empty field"},
	{"blank line of a spreadsheet", "x.csv", "1,2\n,\n3,4", 2, 1, "empty field"},
	{"empty quoted field", "x.csv", "\"1\",\"\",\"3\"", 1, 5, "empty field"},
	{"empty field of blanks", "x.csv", "1,  ,3", 1, 5, "empty field"},
	{"empty cell after a tab", "", "1\t\t3\n4\t5\t6", 1, 3, "empty field"},
	{"empty cell after a semicolon", "x.csv", "1;;3\n4;5;6", 1, 3, "empty field"},
	{"empty cell of a table", "", "| 1 |  | 3 |", 1, 8, "empty field"},
	{"empty last cell of a table", "", "| 1 | 2 |  |", 1, 12, "empty field"},
	{"empty last field", "x.csv", "1,2,3\n4,5,", 2, 5, "empty field"},
	{"empty last field of the first line", "x.csv", "1,2,\n4,5,6", 1, 5, "empty field"},
	{"missing value", "x.csv", "5,6,#N/A\n7,8,#N/A", 1, 5, `"#N/A" is not a number`},
	{"missing value at the beginning", "x.csv", "#N/A,6\n#N/A,8", 1, 1, `"#N/A" is not a number`},
	{"missing value, pasted", "", "5 6 #N/A\n7 8 #N/A", 1, 5, `"#N/A" is not a number`},
	{"division by zero", "x.csv", "1,#DIV/0!,3\n4,5,6", 1, 3, `"#DIV/0!" is not a number`},
	{"comment after values", "x.csv", "1,2 # two\n3,4", 1, 3, `"2 # two" is not a number`},
	{"numbers with a suffix", "x.csv", "1.5f,2.5f\n3,4", 1, 1, `"1.5f" is not a number`},
	{"quoted numbers with a suffix", "x.csv", "\"1.5f\",\"2.5f\"\n3,4", 1, 1, `"1.5f" is not a number`},
	{"currency before the number", "x.csv", "EUR 1.50,EUR 2.50\n3,4", 1, 1, `"EUR 1.50" is not a number`},
	{"letter in place of a digit", "x.csv", "O.5,l.5\n3,4", 1, 1, `"O.5" is not a number`},
	{"prices", "x.csv", "$1,$2\n3,4", 1, 1, `"$1" is not a number`},
	{"percentages", "x.csv", "1%,2%\n3,4", 1, 1, `"1%" is not a number`},
	{"numbers in parentheses", "x.csv", "(1),(2)\n3,4", 1, 1, `"(1)" is not a number`},
	{"hexadecimal", "x.csv", "0x1,0x2\n3,4", 1, 1, `"0x1" is not a number`},
	{"NA is no header", "x.csv", "NA,NA\n1,2", 1, 1, `"NA" is not a number`},
	{"one number in a header", "x.csv", "1.5f,2\n3,4", 1, 1, `"1.5f" is not a number`},
	{"thousands with apostrophes", "", "1'234'567 2", 1, 1, `"1'234'567" is not a number: write thousands without separators`},
	{"thousands of a spreadsheet", "", "1,234.5\t2,345.6\n3,456.7\t4,567.8", 1, 1, `"1,234.5" is not a number: write thousands without separators`},
	{"no thousands", "", "1,2,3.4.5", 1, 5, `"3.4.5" is not a number`},
	{"thousands", "x.csv", "1 234,5\n1,2", 1, 1, `"1 234" is not a number: write thousands without separators`},
	{"thousands with blanks", "x.csv", "1 234;2 345\n3 456;4 567", 1, 1, `"1 234" is not a number: write thousands without separators`},
	{"thousands with points after tabs", "", "1.000,5\t2.000,25", 1, 1, `"1.000,5" is not a number: write thousands without separators`},
	{"thousands with points", "x.csv", "1.234,5;2\n3;4", 1, 1, `"1.234,5" is not a number: write thousands without separators`},
	{"both decimal signs", "x.csv", "1,5;2\n3.5;4", 2, 1, `"3.5" is not a number: commas are the decimal signs here, and it has a point`},
	{"number behind a label", "x.csv", "a;b\na;1,20\nb;22,3\nc;1.234,56", 4, 3, `"1.234,56" is not a number: commas are the decimal signs here, and it has a point; thousands have no separators`},
	{"formula behind a label", "x.csv", "name;cod\n\"Example 1\";=(\"8445\");39,20", 2, 13, `"=(\"8445\")" is not a number`},
	{"quoted thousands", "x.csv", "area,n\narea_1,\"1,000\"", 2, 8, `"1,000" is not a number: points are the decimal signs here, and it has a comma; thousands have no separators`},
	{"column of names", "x.csv", "A;B\n1.3;alpha", 2, 5, `"alpha" is not a number`},
	{"header with a sign", "x.csv", "\"Label\"; \"#N\"\n1; 2", 1, 10, `"#N" is not a number`},
	{"number among many names", "", "a b c d e f 1.5f\n1 2 3 4 5 6 7", 1, 1, `"a" is not a number`},
	{"number in a long label", "", "a b c d e 1.5f, 2, 3\na b c d e 1.5f, 2, 3", 1, 1, `"a" is not a number`},
	{"prose", "", "hello world", 1, 1, `"hello" is not a number`},
	{"print of pandas, lines missing", "", "     0     1\n0  1.5 -0.25\n7  3.5  4.5", 2, 1, "a line with 3 values below 2 names"},
	{"text at the end", "", "1.0 2.0\n&END header", 2, 1, `"&END" is not a number`},
	{"total", "x.csv", "1,2\n3,4\ntotal,6", 3, 1, `"total" is not a number, and the lines before have no label`},
	{"label on one line alone", "", "a 1 2\n3 4 5", 2, 1, `no label before the values, as "a" in line 1 is one`},
	{"UTF-32", "", "\xff\xfe\x00\x001\x00\x00\x002\x00\x00\x00", 1, 1, "the text is UTF-32: save it as UTF-8"},
	{"label without values", "", "a: 1 2\nb:", 2, 1, `no values after the label "b"`},
	{"word among values", "", "1 2 3\n4 five 6", 2, 3, `"five" is not a number`},
}

// arrayRefusals are values in brackets.
var arrayRefusals = []refusal{
	{"ragged", "", "[[1, 2], [3]]", 1, 10, "row 1 has 1 value, row 0 has 2"},
	{"ragged on a line", "", "[[1, 2],\n [3, 4, 5]]", 2, 2, "row 1 has 3 values, row 0 has 2"},
	{"ragged inside", "", "[[[1, 2], [3, 4]], [[5, 6]]]", 1, 20, "row 1 has 1 row, row 0 has 2"},
	{"ragged deep inside", "", "[[[1, 2], [3, 4]], [[5, 6], [7]]]", 1, 29, "row 1,1 has 1 value, row 0,0 has 2"},
	{"ragged rows on lines", "", "[1, 2]\n[3]", 2, 1, "array 1 has 1 value, array 0 has 2"},
	{"ragged matrix", "", "[1 2; 3]", 1, 5, "row 1 has 1 value, row 0 has 2"},
	{"value beside lists", "", "[[1, 2], 3]", 1, 10, `"3" where a list should be, as in the rows before`},
	{"list beside values", "", "[1, [2]]", 1, 5, "a list where a value should be, as in the rows before"},
	{"elided by NumPy", "", "[[1. 2. ... 3.]\n [4. 5. ... 6.]]", 1, 9, elisionHelp},
	{"elided rows", "", "tensor([[1., 2.],\n        ...,\n        [3., 4.]])", 2, 9, elisionHelp},
	{"elided in lines", "", "1 2 ... 3", 1, 5, elisionHelp},
	{"elided in CSV", "x.csv", "1,2,...,3", 1, 5, elisionHelp},
	{"empty entry", "", "[1,,2]", 1, 4, "empty field"},
	{"empty first entry", "", "[,1]", 1, 2, "empty field"},
	{"symbolic tensor", "", "<tf.Tensor 'x:0' shape=(2,) dtype=float32>", 1, 1, "a tensor of TensorFlow without its values: print tensor.numpy()"},
	{"null", "", "[1, null]", 1, 5, `"null" is not a number`},
	{"NaN", "", "[1, nan]", 1, 5, `"nan" is not a finite number`},
	{"complex", "", "[1.+2.j]", 1, 2, `"1.+2.j" is not a number`},
	{"cut off", "", "[[1, 2], [3", 1, 12, "']' is missing at the end: the text is cut off"},
	{"cut off in a call", "", "tensor([1, 2], dtype=", 1, 14, "')' is missing at the end: the text is cut off"},
	{"wrong bracket", "", "[[1, 2), 3]", 1, 7, "')' where ']' should be"},
	{"bracket too many", "", "[1, 2]]", 1, 7, "']' closes nothing"},
	{"reshaped", "", "np.array([1, 2, 3, 4]).reshape(2, 2)", 1, 23, `".reshape" is not a number`},
	{"value after the array", "", "[1, 2] 3", 1, 8, `"3" outside of the brackets`},
	{"no value", "", "[[], []]", 1, 1, "no values"},
	{"two arrays in a call", "", "array([1] [2])", 1, 11, "a second array in a call"},
}

func TestNotationErrors(t *testing.T) {
	for _, c := range slices.Concat(lineRefusals, arrayRefusals) {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.file, c.data)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v, want a SyntaxError", err)
			}
			if want := (SyntaxError{c.line, c.column, c.msg}); *syntax != want {
				t.Errorf("%+v, want %+v", *syntax, want)
			}
		})
	}
}

// TestReadings asks for the other reading of what is doubtful, as a click on
// the page does, and finds no doubt left about what was asked for.
func TestReadings(t *testing.T) {
	for _, c := range []struct {
		name, file, data string
		shape            []int
		want             []float32
	}{
		{"pasted semicolons", "", "1;2;3\n4;5;6\n", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"pasted decimal commas", "", "1,5;2,5;3,25", []int{1, 3}, []float32{1.5, 2.5, 3.25}},
		{"pasted decimal commas and blanks", "", "1,5 2,5\n3,5 4,5", []int{2, 2}, []float32{1.5, 2.5, 3.5, 4.5}},
		{"semicolons of CSV", "x.csv", "1;2;3\n4;5;6\n", []int{6, 1}, []float32{1, 2, 3, 4, 5, 6}},
		{"decimal commas of CSV", "x.csv", "1,5;2,5\n", []int{2, 2}, []float32{1, 5, 2, 5}},
		{"counted columns", "x.csv", "0,1,2\n1.5,2,3\n4,5,6", []int{2, 3}, []float32{1.5, 2, 3, 4, 5, 6}},
		{"counted lines", "x.csv", "0,1.5\n1,2.5\n2,3.5", []int{3, 1}, []float32{1.5, 2.5, 3.5}},
		{"counted lines, pasted", "", "0 1.5\n1 2.5\n2 3.5", []int{3, 1}, []float32{1.5, 2.5, 3.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := parse(c.file, c.data)
			if err != nil {
				t.Fatal(err)
			}
			doubts := f.Text.Doubtful()
			if len(doubts) != 1 || doubts[0].Other == nil || doubts[0].OtherText == "" {
				t.Fatalf("doubts %+v", doubts)
			}
			o := Options{Reading: *doubts[0].Other}
			f, err = o.Parse(c.file, strings.NewReader(c.data), int64(len(c.data)))
			if err != nil {
				t.Fatal(err)
			}
			wantTensor(t, f, 0, "", c.shape, c.want)
			if doubts := f.Text.Doubtful(); len(doubts) > 0 {
				t.Errorf("doubts %+v after the choice", doubts)
			}
		})
	}
}

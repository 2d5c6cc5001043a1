package quant

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A macro that spells out an instruction word reads
//
//	#define NAME(m, n, d) WORD $(expr) // fdiv vd.4s, vn.4s, vm.4s
var (
	wordMacro = regexp.MustCompile(`(?m)^#define (\w+)\(([\w, ]+)\)\s+WORD \$\(.*\)\s+// (.+)$`)
	bareWord  = regexp.MustCompile(`\b(WORD|LONG|BYTE)\b`)
	register  = regexp.MustCompile(`\b([vsdb])([mnd])\b`)
)

// TestEncodings assembles every instruction word that the arm64 files spell
// out, disassembles it, and compares the result with the Arm assembly in the
// comment beside the macro.
func TestEncodings(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	headers, err := filepath.Glob("*_arm64.h")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*_arm64.s")
	if err != nil {
		t.Fatal(err)
	}
	var macros [][][]byte
	for _, name := range append(headers, sources...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := wordMacro.FindAllSubmatch(text, -1)
		if got, want := len(found), len(bareWord.FindAll(text, -1)); got != want {
			t.Errorf("%s: %d of %d uses of WORD are macros with a decoding beside them", name, got, want)
		}
		macros = append(macros, found...)
	}
	if len(macros) == 0 {
		t.Fatal("no macros found")
	}
	var src strings.Builder
	var want []string
	for _, m := range macros {
		fmt.Fprintf(&src, "%s\n", m[0])
	}
	src.WriteString("TEXT ·f(SB), 4, $0-0\n")
	for _, m := range macros {
		params := strings.Split(string(m[2]), ", ")
		for _, first := range []int{0, 29} { // registers 0, 1, 2 and 29, 30, 31
			args, number := make([]string, len(params)), map[string]string{}
			for i, p := range params {
				args[i] = fmt.Sprint(first + i)
				number[p] = args[i]
			}
			fmt.Fprintf(&src, "\t%s(%s)\n", m[1], strings.Join(args, ", "))
			want = append(want, register.ReplaceAllStringFunc(string(m[3]), func(r string) string {
				return r[:1] + number[r[1:]]
			}))
		}
	}
	dir := t.TempDir()
	s, o := filepath.Join(dir, "f.s"), filepath.Join(dir, "f.o")
	if err := os.WriteFile(s, []byte(src.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	goTool(t, "asm", "-p", "f", "-o", o, s)
	var got []string
	for _, m := range regexp.MustCompile(`(?m)// (.*\S)\s*$`).FindAllSubmatch(goTool(t, "objdump", "-gnu", o), -1) {
		got = append(got, string(m[1]))
	}
	if len(got) < len(want) {
		t.Fatalf("%d instructions, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: decodes to %q, want %q", macros[i/2][1], got[i], want[i])
		}
	}
}

func goTool(t *testing.T, args ...string) []byte {
	cmd := exec.Command("go", append([]string{"tool"}, args...)...)
	cmd.Env = append(os.Environ(), "GOARCH=arm64")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go tool %s: %v\n%s", args[0], err, stderr.Bytes())
	}
	return out
}

package notices

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write modules.txt")

// TestModules puts the licences together again, from the modules that go list
// finds in the tool.
func TestModules(t *testing.T) {
	folders := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}", "../../quant")
		c.Env = append(os.Environ(), "GOWORK=", "CGO_ENABLED=0", "GOARCH=amd64", "GOOS="+system)
		c.Stderr = os.Stderr
		list, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(list)) {
			if module, folder, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
				folders[module] = folder
			}
		}
	}
	var modules []string
	for m := range folders {
		if !strings.HasPrefix(m, "github.com/a01592f9/quant ") && !strings.HasPrefix(m, "github.com/a01592f9/quant/") {
			modules = append(modules, m)
		}
	}
	slices.Sort(modules)

	var b bytes.Buffer
	for _, m := range modules {
		files := []string{"LICENSE", "LICENSE.txt", "LICENSE.md"}
		heading := m
		switch path, _, _ := strings.Cut(m, " "); path {
		case "github.com/ajstarks/svgo":
			files = append(files, "LICENSE-link.txt") // which license the other leaves open
		case "github.com/golang/freetype":
			files = []string{"licenses/ftl.txt"} // of the two that may be chosen
		case "golang.org/x/sys":
			heading = "The standard library of Go, and " + heading // the licence is the same, and not every GOROOT has it
		}
		write(t, &b, heading, folders[m], files...)
	}
	if *update {
		if err := os.WriteFile("modules.txt", b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if b.String() != Modules {
		t.Error("modules.txt is not what the modules have now: go test ./internal/notices -update")
	}
}

// write appends the licences of a module, of which there must be one.
func write(t *testing.T, b *bytes.Buffer, name, folder string, files ...string) {
	fmt.Fprintf(b, "%s\n\n", name)
	before := b.Len()
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			b.WriteString(strings.TrimRight(line, " \t\r\n\f") + "\n")
		}
		b.WriteString("\n")
	}
	if b.Len() == before {
		t.Errorf("%s has no licence", name)
	}
}

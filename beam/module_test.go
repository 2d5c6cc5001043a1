package beam

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOtherModules makes sure that the module files of the library and of the
// tool have not grown by this module.
func TestOtherModules(t *testing.T) {
	for _, file := range []string{"../go.mod", "../go.sum", "../cmd/go.mod", "../cmd/go.sum"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			for _, module := range []string{"apache/beam", "a01592f9/quant/beam", "google.golang.org/grpc", "cloud.google.com", "aws-sdk"} {
				if strings.Contains(line, module) {
					t.Errorf("%s requires %s", file, line)
				}
			}
		}
	}
	data, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\s*([a-z.]+/\S+) v\S+$`).FindAllStringSubmatch(string(data), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	want := []string{"github.com/google/go-cmp", "github.com/klauspost/cpuid/v2", "golang.org/x/sys"}
	if !slices.Equal(got, want) {
		t.Errorf("the library requires %v, want %v", got, want)
	}
}

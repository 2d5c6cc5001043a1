package bench

import (
	"bufio"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/a01592f9/quant"
)

// A Machine describes the machine of a measurement.
type Machine struct {
	CPU            string `json:"cpu"` // empty if it is not known
	InstructionSet string `json:"instruction_set"`
	Cores          int    `json:"cores"`
	Procs          int    `json:"procs"`
	Go             string `json:"go"`
	OS             string `json:"os"`
	Arch           string `json:"arch"`
}

func machine(procs int) Machine {
	cpu := strings.TrimSpace(cpuid.CPU.BrandName)
	if cpu == "" {
		if f, err := os.Open("/proc/cpuinfo"); err == nil { // on Linux
			cpu = modelName(f)
			f.Close()
		}
	}
	return Machine{
		CPU: cpu, InstructionSet: quant.InstructionSet(), Cores: runtime.NumCPU(), Procs: procs,
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
}

// modelName returns the name of the processor in the text of /proc/cpuinfo.
func modelName(r io.Reader) string {
	for s := bufio.NewScanner(r); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		switch strings.TrimSpace(key) {
		case "model name", "Model", "cpu model", "Hardware":
			return strings.TrimSpace(value)
		}
	}
	return ""
}

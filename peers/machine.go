package main

import (
	"os"
	"runtime"
	"strings"
)

// cpu returns the name of the processor.
func cpu() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown processor, " + runtime.GOARCH
}

// identity is what tells processors of one name apart: family, model and caches.
func identity() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	var parts []string
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key, value := strings.TrimSpace(key), strings.TrimSpace(value); key {
		case "vendor_id", "cpu family", "model":
			parts = append(parts, strings.TrimSuffix(key, "_id")+" "+value)
		case "":
			return strings.Join(parts, ", ")
		}
	}
	return strings.Join(parts, ", ")
}

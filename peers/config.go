package main

import "time"

// A config is the command line.
type config struct {
	ort, python, script, state, bench, out string
	revision, missing, command             string
	sizes                                  []int
	time                                   time.Duration
	checkOnly                              bool
}

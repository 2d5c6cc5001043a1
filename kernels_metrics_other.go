//go:build purego || (!amd64 && !arm64)

package quant

import "math"

// channelMetrics has no kernel here.
func channelMetrics([]Metrics, []tally, []float64, int) int { return 0 }

// metricsStep returns math.MaxInt: there is no kernel.
func metricsStep() int { return math.MaxInt }

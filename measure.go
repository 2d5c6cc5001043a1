package quant

import "math"

// differencesRuns sets acc[i] to the sums of the differences between x and y
// over run i, whose length is at most blockLen, in the order of errorsRuns.
func differencesRuns(acc []sums, x, y []float32, run int) {
	for i := range acc {
		var abs, sq [lanes]float64
		a := sums{}
		b, end := i*run, min((i+1)*run, len(x))
		y := y[b:end]
		for j, v := range x[b:end] {
			d := float32(math.Abs(float64(y[j] - v)))
			abs[j%lanes] += float64(d)
			sq[j%lanes] += float64(d) * float64(d)
			if d > a.max {
				a.max = d
			}
		}
		a.abs, a.sq = fold(&abs), fold(&sq)
		acc[i] = a
	}
}

// differencesColumns adds the differences of each column, row by row, to acc.
func differencesColumns(acc columnSums, x, y []float32, rows, stride int) {
	n := len(acc.abs)
	for r := range rows {
		y := y[r*stride:][:n]
		for j, v := range x[r*stride:][:n] {
			d := float32(math.Abs(float64(y[j] - v)))
			acc.abs[j] += float64(d)
			acc.sq[j] += float64(d) * float64(d)
			if d > acc.max[j] {
				acc.max[j] = d
			}
		}
	}
}

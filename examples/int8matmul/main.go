package main

import (
	"fmt"
	"log"
)

func main() {
	const out, in, tokens = 3, 8, 2
	weight := []float32{
		0.5, -0.25, 0.125, 0, 1, -1, 0.75, 0.5,
		-1.5, 0.3, 0.2, 0.1, 0, 0.6, -0.4, 0.9,
		0.05, 0.04, -0.03, 0.02, 2, 1, -2, -1,
	}
	x := []float32{
		1, 2, 3, 4, 5, 6, 7, 8,
		-0.1, 0.2, -0.3, 0.4, -0.5, 0.6, -0.7, 0.8,
	}
	l, err := NewLinear(weight, out, in, 4)
	if err != nil {
		log.Fatal(err)
	}
	var y [tokens * out]float32
	if err := l.Apply(y[:], x, tokens); err != nil {
		log.Fatal(err)
	}
	for t := range tokens {
		for o := range out {
			exact := 0.0
			for i := range in {
				exact += float64(weight[o*in+i]) * float64(x[t*in+i])
			}
			fmt.Printf("token %d, output %d: %8.4f, in float32 %8.4f\n", t, o, y[t*out+o], exact)
		}
	}
}

package quant

// A Range is the smallest and the largest of some values. Both are finite, Min
// is not above Max, and a zero is +0.
type Range struct {
	Min float32 `json:"min"`
	Max float32 `json:"max"`
}

// Union returns the range that holds both: what to calibrate from when data
// comes in batches, or from several workers. The zero Range is not empty, but
// holds 0: begin with the range of a first batch.
func (r Range) Union(o Range) Range { return Range{min(r.Min, o.Min), max(r.Max, o.Max)} }

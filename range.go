package quant

// A Range is the smallest and the largest of some values. Both are finite, and Min is at most
// Max. A zero is +0.
type Range struct {
	Min float32 `json:"min"`
	Max float32 `json:"max"`
}

// Union returns the smallest range that holds r and o. It merges the ranges of batches, or of
// several workers. Begin with the range of the first batch, since the zero Range holds 0.
func (r Range) Union(o Range) Range { return Range{min(r.Min, o.Min), max(r.Max, o.Max)} }

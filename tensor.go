package quant

// A Tensor is float32 data with a shape. Data is in row-major order: the last axis is
// contiguous. No function copies or changes Data. A Shape of no axes means one axis of
// len(Data) elements.
type Tensor struct {
	Data  []float32
	Shape []int // lengths of the axes; their product is len(Data)
}

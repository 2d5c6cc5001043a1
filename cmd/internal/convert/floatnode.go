package convert

// A FloatNode is a node whose inputs and outputs stay in floating point.
type FloatNode struct{ Name, Op, Reason string }

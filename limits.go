package quant

// Bounds of scales and zero points.

// maxZeroPoint bounds the magnitude of a zero point, so that code minus zero
// point, at most 2^23 + 2^16, is an integer that float32 holds exactly.
const maxZeroPoint = 1 << 23

// minScale is the smallest scale that calibration yields: the smallest normal
// float32, so that dividing by it loses no bits of the scale.
const minScale = 0x1p-126

// leastRatio is the smallest ratio of a scale to the largest magnitude of a range:
// it keeps zero points within maxZeroPoint.
const leastRatio = 0x1p-22

package quant

// Bounds of scales and zero points.

// maxZeroPoint is the largest magnitude of a zero point. A code minus a zero point is then at
// most 2^23 + 2^16, which float32 holds exactly.
const maxZeroPoint = 1 << 23

// minScale is the smallest scale that calibration returns. It is the smallest normal float32: a
// smaller scale would have fewer bits.
const minScale = 0x1p-126

// leastRatio is the smallest ratio of a scale to the largest magnitude of a range. It keeps
// zero points within maxZeroPoint.
const leastRatio = 0x1p-22

// Numbers that the kernels of all architectures share, each under one name.
// Names end in Bits where a number holds the bits of a float32.

#define oneBits           0x3f800000 // 1
#define halfBits          0x3f000000 // 1/2
#define minusHalfBits     0xbf000000 // -1/2
#define infBits           0x7f800000 // +Inf
#define minusInfBits      0xff800000 // -Inf
#define signBit           0x80000000 // sign of a float32
#define magnitudeMask     0x7fffffff // all other bits of a float32
#define significandMask   0x007fffff // significand of a float32

// Scales that QUOTIENT serves, see "Exact quotients" in kernels.go.
#define scaleLeast        0x0d800000 // bits of 2^-100
#define scaleGreatest     0x71800000 // bits of 2^100
#define scaleSpan         0x64000000 // scaleGreatest - scaleLeast

// Scales that FLOAT_RECIPROCAL serves.
#define scaleLeastFloats  0x17800000 // bits of 2^-80
#define scaleSpanFloats   0x5a000000 // scaleGreatest - scaleLeastFloats

// How far from 0 a zero point may be.
#define zeroFarthest19    0x80000    // 2^19: bounds of quotients are below 2^20
#define zeroFarthest16    0x10000    // 2^16: bounds of quotients are at most 2^17
#define zeroFarthestWords 32000      // codes less the zero point are saturating words
#define zeroFarthestGroups 255       // boundaries between codes are below 2^9
#define minusTwo23        0xcb000000 // -2^23, beyond which a float32 is an integer
#define nearHalf          0x3efffbfc // 1/2 - 257*2^-23, see "Codes without a quotient"
#define lowBits15         0x7fff     // significands that matter where boundaries are below 2^9
#define lowBits9          0x000001ff // the lowest 9 bits
#define lowBits20         0xfffff    // significands that matter where boundaries have 5 bits

// Above all quotients that give a code, for zero points of at most
// zeroFarthestWords.
#define quotientLimit16   0x47800000 // bits of 2^16
#define quotientLimit30   0x4e800000 // bits of 2^30

// The least scales, as in asymmetricOf.
#define largestBits       0x7f7fffff // bits of the largest float32
#define zeroFarthest23    0x00800000 // maxZeroPoint
#define normalLeast       0x00800000 // bits of 2^-126
#define shareLeast        0x34800000 // bits of 2^-22

// A float32 whose last place is 1: added to an integer or a small real, it
// leaves an integer in its lowest bits.
#define integerBits       0x4b000000 // bits of 2^23
#define minusIntegerBits  0xcb000000 // bits of -2^23
#define roundBits         0x4b400000 // bits of 1.5 * 2^23

// Sign bits of codes.
#define signCode4         0x8        // of a code of 4 bits
#define signCode8         0x80       // of a code of 8 bits
#define signCode16        0x8000     // of a code of 16 bits
#define signBytes         0x80808080 // of each byte of a dword
#define signWords         0x80008000 // of each word of a dword

// Packing: the bits of codes in bytes, and the weights of neighbours.
#define codeBits4         0x0f0f0f0f // codes of 4 bits
#define codeBits2         0x03030303 // codes of 2 bits
#define weights4          0x10011001 // bytes 1 and 16
#define weights2          0x04010401 // bytes 1 and 4
#define weightsWords2     0x00100001 // words 1 and 16

// Codebooks: what is below a code of 4 bits in each word.
#define belowCodeWords    0x0fff0fff
#define awayBits          0x3f400000 // awayFromZero

// Codebooks: the places of the bytes of a float32.
#define placesInFloat     0x03020100

// Histograms, see histogramRuns.
#define binCount          0x10000    // bins
#define octaveCount       512        // octaves

// dynamicLen of kernels.go: so many elements a dynamic call calibrates and quantizes at a time.
#define dynamicElements   8192

// How far ahead elements are fetched that are not in a cache: a third of a first-level cache.
#define fetchedBytes      16384

package quant

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/a01592f9/quant/internal/histogram"
)

// The state of an Observer in bytes. See docs/observer-format.md.

const (
	stateMagic   = "QOBS"
	stateVersion = 1
)

// MarshalBinary returns the state of o. Two observers that have seen the same values return the
// same bytes, regardless of the batches, their order and the order of merges. (Moving averages
// depend on the batches and their order.) The state takes about 2 to 3 bytes for each bin that
// holds values. The error is ErrState for the zero Observer, which has no scheme.
func (o *Observer) MarshalBinary() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.scheme.Validate(); err != nil {
		return nil, fmt.Errorf("%w: it has no valid scheme: %w", ErrState, err)
	}
	return o.append(nil), nil
}

const (
	stateUnsigned = 1 << iota
	stateSymmetric
	stateNarrow
	stateZero
	stateIgnore
	stateFormat                // the format is not Integers, and its name follows
	stateScales                // the scales are not Float32Scale, and the name of their format follows
	stateDivisor               // the divisor is not FarEnd, and its name follows
	stateFlags   = 1<<iota - 1 // all flags
)

// stateSigned is set in the byte of the granularity if the scale is signed.
const stateSigned = 1 << 7

func (o *Observer) append(b []byte) []byte {
	s := o.scheme
	flags := byte(0)
	for i, set := range [...]bool{s.Unsigned, s.Mapping == Symmetric, s.NarrowRange, s.ZeroInRange, o.policy == IgnoreNotFinite, s.Format != Integers, s.Scales != Float32Scale, s.Divisor != FarEnd} {
		if set {
			flags |= 1 << i
		}
	}
	b = append(b, stateMagic...)
	grain := byte(s.Granularity.unit)
	if s.SignedScale {
		grain |= stateSigned
	}
	b = append(b, stateVersion, byte(s.Bits), flags, grain, byte(s.Method.kind))
	if g := s.Granularity; g.unit != perTensor {
		b = binary.AppendVarint(b, int64(g.axis))
		if g.unit >= perGroup {
			b = binary.AppendUvarint(b, uint64(g.size))
		}
		if g.unit == perBlock {
			b = binary.AppendVarint(b, int64(g.axis0))
			b = binary.AppendUvarint(b, uint64(g.size0))
		}
	}
	if f, ok := s.Method.Fraction(); ok {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	if s.Format != Integers {
		name := s.Format.String()
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	if s.Scales != Float32Scale {
		name := s.Scales.String()
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	if s.Divisor != FarEnd {
		name := s.Divisor.String()
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	b = binary.AppendUvarint(b, uint64(len(o.params)))
	for i := range o.params {
		b = o.params[i].append(b, s.Method)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func (p *observed) append(b []byte, m Method) []byte {
	for _, n := range [...]uint64{p.n, p.notFinite.NaN, p.notFinite.PosInf, p.notFinite.NegInf} {
		b = binary.AppendUvarint(b, n)
	}
	if p.n == 0 {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(p.lo))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(p.hi))
	if m.kind == movingAverage {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.avgLo))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.avgHi))
	}
	if m.ranged() {
		return b
	}
	p.flush()
	h, last, rest := &p.hist, -1, p.n
	for rest > 0 {
		bin := h.Next(last + 1)
		n := h.Count(bin)
		b = binary.AppendUvarint(b, uint64(bin-last-1))
		b = binary.AppendUvarint(b, n)
		last, rest = bin, rest-n
	}
	return b
}

// UnmarshalBinary replaces o by the Observer whose state is data. The data need not be trusted:
// the error is ErrState for all bytes that MarshalBinary cannot return, and leaves o as it was.
// The memory that it allocates is at most 1 MB plus 300 times len(data).
func (o *Observer) UnmarshalBinary(data []byte) error {
	d := decoder{all: data}
	n := d.decode()
	if d.err != nil {
		return d.err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.id == 0 {
		o.id, o.of = observers.Add(1), o
	}
	o.scheme, o.policy, o.params, o.counter, o.seen = n.scheme, n.policy, n.params, n.counter, 0
	return nil
}

// A decoder reads a state from all, of which the first at bytes have been read. After an error
// it reads zeros.
type decoder struct {
	all []byte
	at  int
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at offset %d", ErrState, fmt.Sprintf(format, args...), d.at)
	}
}

// bytes returns the next n bytes. If there are fewer, it fails and returns zeros.
func (d *decoder) bytes(n int) []byte {
	if d.err == nil && len(d.all)-d.at >= n {
		d.at += n
		return d.all[d.at-n : d.at]
	}
	d.fail("cut short")
	return make([]byte, n)
}

func (d *decoder) byte() byte     { return d.bytes(1)[0] }
func (d *decoder) uint32() uint32 { return binary.LittleEndian.Uint32(d.bytes(4)) }
func (d *decoder) float64() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(d.bytes(8)))
}
func (d *decoder) float32() float32 { return math.Float32frombits(d.uint32()) }
func (d *decoder) uvarint() (v uint64) {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.all[d.at:])
	if n <= 0 || n > 1 && d.all[d.at+n-1] == 0 { // the encoding is longer than it need be
		d.fail("no number")
		return 0
	}
	d.at += n
	return v
}

// decode reads a whole state. After an error the result is incomplete or nil.
func (d *decoder) decode() *Observer {
	const head = len(stateMagic) + 5
	if len(d.all) < head+1+4 || string(d.all[:len(stateMagic)]) != stateMagic {
		d.fail("not the state of an observer")
		return nil
	}
	if v := d.all[len(stateMagic)]; v != stateVersion {
		d.fail("version %d, not %d", v, stateVersion)
		return nil
	}
	end := len(d.all) - 4
	if crc32.ChecksumIEEE(d.all[:end]) != binary.LittleEndian.Uint32(d.all[end:]) {
		d.fail("the checksum is wrong")
		return nil
	}
	d.all, d.at = d.all[:end], len(stateMagic)+1
	o := new(Observer)
	o.scheme, o.policy = d.scheme()
	s := &o.scheme
	n := d.uvarint()
	if n > uint64(len(d.all)-d.at)/4 || n > 1 && s.Granularity.unit == perTensor {
		d.fail("%d scales in %d bytes", n, len(d.all)-d.at)
	}
	if d.err != nil {
		return nil
	}
	o.grow(int(n))
	for i := range o.params {
		if p := &o.params[i]; d.err == nil {
			d.observed(p, s.Method)
			c := p.notFinite
			c.Finite = p.n
			if o.counter.add(c); o.policy == RefuseNotFinite && c.all() != p.n || c.all() > maxValues || o.counter.all() > maxValues {
				d.fail("numbers that cannot be")
			}
		}
	}
	if d.at != len(d.all) {
		d.fail("bytes left over")
	}
	return o
}

// scheme reads the scheme of an observer and its policy.
func (d *decoder) scheme() (s Scheme, policy NotFinitePolicy) {
	s.Bits = int(d.byte())
	flags := d.byte()
	if flags&^stateFlags != 0 {
		d.fail("unknown flags %#x", flags)
	}
	s.Unsigned, s.NarrowRange, s.ZeroInRange = flags&stateUnsigned != 0, flags&stateNarrow != 0, flags&stateZero != 0
	if flags&stateSymmetric != 0 {
		s.Mapping = Symmetric
	}
	if flags&stateIgnore != 0 {
		policy = IgnoreNotFinite
	}
	grain := d.byte()
	s.SignedScale, s.Granularity.unit = grain&stateSigned != 0, unit(grain&^stateSigned)
	s.Method.kind = methodKind(d.byte())
	if s.Granularity.unit > perBlock {
		d.fail("unknown granularity %d", s.Granularity.unit)
	}
	if s.Granularity.unit != perTensor {
		s.Granularity.axis = d.int(true)
	}
	if s.Granularity.unit >= perGroup {
		s.Granularity.size = d.int(false)
	}
	if s.Granularity.unit == perBlock {
		s.Granularity.axis0 = d.int(true)
		s.Granularity.size0 = d.int(false)
	}
	if _, ok := s.Method.Fraction(); ok {
		s.Method.fraction = d.float64()
	}
	if flags&stateFormat != 0 {
		name, known := d.name(), false
		if s.Format, known = formatNamed(name); !known || s.Format == Integers || s.normal() != s {
			d.fail("there is no format %q with %d bits", name, s.Bits)
		}
	}
	if flags&stateScales != 0 {
		if err := s.Scales.UnmarshalText([]byte(d.name())); err != nil || s.Scales == Float32Scale {
			d.fail("scales %v: %v", s.Scales, err)
		}
	}
	if flags&stateDivisor != 0 {
		if err := s.Divisor.UnmarshalText([]byte(d.name())); err != nil || s.Divisor == FarEnd {
			d.fail("divisor %v: %v", s.Divisor, err)
		}
	}
	if err := s.Validate(); err != nil {
		d.fail("%v", err)
	}
	return s, policy
}

// int reads an int. It must have at most 32 bits, so that all machines read the same value.
func (d *decoder) int(signed bool) int {
	u := d.uvarint()
	v := int64(u >> 1)
	if !signed {
		v = int64(min(u, math.MaxInt64))
	} else if u&1 != 0 {
		v = ^v
	}
	if v != int64(int32(v)) {
		d.fail("%d is too large", v)
	}
	return int(int32(v))
}

// name reads the length of a name and the name. If there are fewer bytes, it fails and returns
// "".
func (d *decoder) name() string {
	n := d.uvarint()
	if n > uint64(len(d.all)-d.at) {
		d.fail("a name of %d bytes", n)
		return ""
	}
	return string(d.bytes(int(n)))
}

func (d *decoder) observed(p *observed, m Method) {
	p.n = d.uvarint()
	p.notFinite = Counts{NaN: d.uvarint(), PosInf: d.uvarint(), NegInf: d.uvarint()}
	for _, n := range [...]uint64{p.n, p.notFinite.NaN, p.notFinite.PosInf, p.notFinite.NegInf} {
		if n > maxValues {
			d.fail("%d values", n)
		}
	}
	if p.n == 0 || d.err != nil {
		return
	}
	p.lo, p.hi = d.float32(), d.float32()
	if !finite(p.lo) || !finite(p.hi) || p.lo > p.hi || isMinusZero(p.lo) || isMinusZero(p.hi) {
		d.fail("the range is [%v, %v]", p.lo, p.hi)
	}
	if m.kind == movingAverage {
		p.avgLo, p.avgHi = d.float64(), d.float64()
		if !(p.avgLo >= float64(p.lo) && p.avgLo <= p.avgHi && p.avgHi <= float64(p.hi)) {
			d.fail("the averages are [%v, %v]", p.avgLo, p.avgHi)
		}
	}
	if m.ranged() || d.err != nil {
		return
	}
	p.hist.Reserve(d.octaves(p.n))
	last, rest := -1, p.n
	low, high := histogram.Bins, -1 // places of the lowest and the highest bin, in ascending order of values
	for rest > 0 && d.err == nil {
		gap, n := d.uvarint(), d.uvarint()
		if gap >= uint64(histogram.Bins-1-last) || n == 0 || n > rest {
			d.fail("a bin that cannot be")
			return
		}
		last, rest = last+1+int(gap), rest-n
		if last%histogram.Negative >= histogram.Negative-histogram.PerOctave {
			d.fail("bin %#x is not of finite values", last)
			return
		}
		p.hist.AddCount(last, n)
		i := last + histogram.Negative
		if last >= histogram.Negative {
			i = histogram.Bins - 1 - last
		}
		low, high = min(low, i), max(high, i)
	}
	if d.err == nil && !(holds(histogram.Ascending(low), p.lo) && holds(histogram.Ascending(high), p.hi)) {
		d.fail("the bins do not end at [%v, %v]", p.lo, p.hi)
	}
}

// octaves returns the number of octaves in the bins that follow, which hold n values in total.
// So memory for them can be allocated once. It does not advance d.
func (d *decoder) octaves(n uint64) (k int) {
	look := decoder{all: d.all, at: d.at}
	last, octave := -1, -1
	for n > 0 {
		gap, c := look.uvarint(), look.uvarint()
		if look.err != nil || gap >= uint64(histogram.Bins-1-last) || c == 0 || c > n {
			break
		}
		n -= c
		if last += 1 + int(gap); last/histogram.PerOctave != octave {
			octave = last / histogram.PerOctave
			k++
		}
	}
	return k
}

// holds reports whether v is in bin b. A zero may have been -0, so 0 is in the bin of -0 too.
func holds(b int, v float32) bool {
	return b == histogram.BinOf(v) || v == 0 && b == histogram.Negative
}

func isMinusZero(v float32) bool { return math.Float32bits(v) == 1<<31 }

package feedback

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/a01592f9/quant"
)

// The state of a Moments as bytes: see docs/moments-format.md. All numbers are little-endian:
//
//	4 bytes       "QMOM"
//	1 byte        1, the version
//	1 byte        flags: 1 for Diagonal, 2 for IgnoreNotFinite
//	uint32        n, the number of inputs
//	uint32        number of rows
//	uint32        number of rows that were left out
//	n · uint16    the exponents of the inputs: 0 for none, otherwise the exponent + 150
//	pairs · 2 · int64   the sums of each pair: of slice T, and of slice T-1
//	uint32        CRC-32 (IEEE) of all bytes before it
//
// The pairs are (0,0), (1,0), (1,1), (2,0) and so on. For Diagonal they are (0,0), (1,1), (2,2)
// and so on.
const (
	stateMagic   = "QMOM"
	stateVersion = 1
	stateHead    = 4 + 2 + 3*4

	stateDiagonal = 1
	stateSkips    = 2

	exponentBias = 150
)

// MarshalBinary returns the state of m. Two Moments that have observed the same rows return the
// same bytes, for any split of the rows into batches, and for any order of batches and merges.
// The error is quant.ErrState for the zero Moments.
func (m *Moments) MarshalBinary() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n == 0 {
		return nil, fmt.Errorf("%w: the zero Moments has no inputs", quant.ErrState)
	}
	flags := byte(0)
	if m.extent == Diagonal {
		flags |= stateDiagonal
	}
	if m.policy == quant.IgnoreNotFinite {
		flags |= stateSkips
	}
	le := binary.LittleEndian
	b := make([]byte, 0, stateLen(uint64(m.n), m.extent))
	b = append(b, stateMagic...)
	b = append(b, stateVersion, flags)
	b = le.AppendUint32(b, uint32(m.n))
	b = le.AppendUint32(b, uint32(m.rows))
	b = le.AppendUint32(b, uint32(m.skipped))
	for _, e := range m.exponent {
		if e == none {
			e = -exponentBias
		}
		b = le.AppendUint16(b, uint16(e+exponentBias))
	}
	for p, top := range m.top {
		b = le.AppendUint64(b, uint64(top))
		b = le.AppendUint64(b, uint64(m.low[p]))
	}
	return le.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// stateLen returns the number of bytes of a state of n inputs.
func stateLen(n uint64, e Extent) uint64 {
	pairs := n
	if e == Full {
		pairs = n * (n + 1) / 2
	}
	return stateHead + 2*n + 16*pairs + 4
}

// UnmarshalBinary sets m to the Moments with the state data. It may be called with data that
// are not trusted: the error is quant.ErrState for a state that is damaged or that no rows can
// have. After an error m is unchanged. UnmarshalBinary allocates little more than len(data)
// bytes.
func (m *Moments) UnmarshalBinary(data []byte) error {
	s, err := decode(data)
	if err != nil {
		return fmt.Errorf("%w: second moments: %w", quant.ErrState, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.id == 0 {
		m.id = ids.Add(1)
	}
	m.n, m.extent, m.policy, m.rows, m.skipped, m.seen = s.n, s.extent, s.policy, s.rows, s.skipped, 0
	m.exponent, m.top, m.low, m.chunk = s.exponent, s.top, s.low, nil
	return nil
}

// decode returns the Moments with the state data, or an error that says what is wrong.
func decode(data []byte) (*Moments, error) {
	le := binary.LittleEndian
	if len(data) < stateHead+4 || string(data[:4]) != stateMagic {
		return nil, fmt.Errorf("%d bytes that do not begin as a state does", len(data))
	}
	if v := data[4]; v != stateVersion {
		return nil, fmt.Errorf("version %d, not %d", v, stateVersion)
	}
	flags := data[5]
	if flags&^(stateDiagonal|stateSkips) != 0 {
		return nil, fmt.Errorf("unknown flags %#x", flags)
	}
	e, policy := Full, quant.RefuseNotFinite
	if flags&stateDiagonal != 0 {
		e = Diagonal
	}
	if flags&stateSkips != 0 {
		policy = quant.IgnoreNotFinite
	}
	n := uint64(le.Uint32(data[6:]))
	if n == 0 || e == Full && n > maxFull || stateLen(n, e) != uint64(len(data)) {
		return nil, fmt.Errorf("%d bytes for %d inputs, %v", len(data), n, e)
	}
	end := len(data) - 4
	if crc32.ChecksumIEEE(data[:end]) != le.Uint32(data[end:]) {
		return nil, fmt.Errorf("the checksum is wrong")
	}
	m := new(Moments)
	m.set(int(n), e, policy)
	m.rows, m.skipped = uint64(le.Uint32(data[10:])), uint64(le.Uint32(data[14:]))
	if m.rows > maxRows || m.skipped > maxRows || m.skipped > 0 && policy == quant.RefuseNotFinite {
		return nil, fmt.Errorf("%d rows, and %d left out", m.rows, m.skipped)
	}
	rest := data[stateHead:]
	for i := range m.exponent {
		b := le.Uint16(rest[2*i:])
		if b > 127+exponentBias || b > 0 && m.rows == 0 {
			return nil, fmt.Errorf("input %d has the exponent %d", i, int(b)-exponentBias)
		}
		if b > 0 {
			m.exponent[i] = int16(b) - exponentBias
		}
	}
	rest = rest[2*n:]
	for p := range m.top {
		m.top[p], m.low[p] = int64(le.Uint64(rest[16*p:])), int64(le.Uint64(rest[16*p+8:]))
	}
	return m, m.check()
}

// check returns an error if m has sums that no rows can have.
func (m *Moments) check() (err error) {
	m.forPairs(func(i, j, p int) {
		if err == nil && !m.possible(i, j, m.top[p], m.low[p]) {
			err = fmt.Errorf("inputs %d and %d have sums that no rows have", i, j)
		}
	})
	return err
}

// possible reports whether rows can have the sums top and low of the pair of inputs i and j. The
// exponents limit each slice. A sum of squares is not negative, and is at least the square of
// the value that the exponent comes from.
func (m *Moments) possible(i, j int, top, low int64) bool {
	if m.exponent[i] == none || m.exponent[j] == none {
		return top == 0 && low == 0
	}
	rows := int64(m.rows)
	e := int(m.exponent[i]) + int(m.exponent[j])
	mostTop := int64(1)<<(e+2-sliceBits*bin(m.exponent[i], m.exponent[j])) - 1
	const mostLow = 1<<sliceBits - 1
	if top > rows*mostTop || top < -rows*mostTop || low > rows*mostLow || low < -rows*mostLow {
		return false
	}
	if i != j {
		return true
	}
	at := e - sliceBits*m.binOf(i, i) // the largest square is at least 2^at, in units of slice T
	if at < 0 {
		return top >= 0 && low >= 0 && (top >= 1 || low >= 1<<(sliceBits+at))
	}
	return low >= 0 && top >= 1<<at
}

package feedback

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/a01592f9/quant"
)

// The state of Moments in bytes, all numbers little-endian:
//
//	4 bytes       "QMOM"
//	1 byte        1, the version
//	1 byte        flags: 1 for the diagonal alone, 2 for rows that are left out
//	uint32        n, the number of inputs
//	uint32        rows
//	uint32        rows left out
//	n · uint16    the exponents of the inputs: 0 for none, otherwise the exponent + 150
//	pairs · 2 · int64   the sums of each pair, of slice T and of slice T-1
//	uint32        CRC-32 (IEEE) of all before it
//
// Pairs are (0,0), (1,0), (1,1), (2,0) and so on, or (0,0), (1,1), (2,2) and so on for the
// diagonal alone.
const (
	stateMagic   = "QMOM"
	stateVersion = 1
	stateHead    = 4 + 2 + 3*4

	stateDiagonal = 1
	stateSkips    = 2

	exponentBias = 150
)

// MarshalBinary returns the state of m: two Moments that have observed the same rows
// return the same bytes, whatever the batches, their order and what was merged with what.
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

// stateLen returns how many bytes a state has.
func stateLen(n uint64, e Extent) uint64 {
	pairs := n
	if e == Full {
		pairs = n * (n + 1) / 2
	}
	return stateHead + 2*n + 16*pairs + 4
}

// UnmarshalBinary replaces m by the Moments that data is the state of. It trusts nothing:
// the error is quant.ErrState for a state that is damaged or that no rows could have. An
// error leaves m as it was. It allocates little more than len(data) bytes.
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

// check returns an error for sums that no rows have.
func (m *Moments) check() (err error) {
	m.forPairs(func(i, j, p int) {
		if err == nil && !m.possible(i, j, m.top[p], m.low[p]) {
			err = fmt.Errorf("inputs %d and %d have sums that no rows have", i, j)
		}
	})
	return err
}

// possible reports whether rows could have the sums of a pair. Each slice is limited by
// the exponents, and a sum of squares is not negative and has one row that the exponent
// comes from.
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
	at := e - sliceBits*m.binOf(i, i) // of the lowest bit that the largest square may begin with
	if at < 0 {
		return top >= 0 && low >= 0 && (top >= 1 || low >= 1<<(sliceBits+at))
	}
	return low >= 0 && top >= 1<<at
}

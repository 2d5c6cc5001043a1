package calibfile

import (
	"bytes"
	"testing"

	"github.com/a01592f9/quant"
)

func seen(t *testing.T, file string, shape []int, values ...float32) *Seen {
	t.Helper()
	s, err := NewSeen(quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1)}, quant.RefuseNotFinite)
	if err == nil {
		err = s.Observer.Observe(quant.Tensor{Data: values, Shape: shape})
	}
	if err == nil {
		err = s.Record(file, shape, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSeenMergesInAnyOrder(t *testing.T) {
	var want []byte
	for i := range 2 {
		all := []*Seen{seen(t, "b", []int{1, 2}, 1, 2), seen(t, "a", []int{2, 2}, 3, 4, -5, 6)}
		s, err := NewSeen(quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1)}, quant.RefuseNotFinite)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []*Seen{all[i], all[1-i]} {
			if err := s.Merge(x); err != nil {
				t.Fatal(err)
			}
		}
		if s.Batches != 2 || s.File != "a" || len(s.Shape) != 2 || s.Shape[0] != 0 || s.Shape[1] != 2 {
			t.Errorf("%d batches of %v from %q", s.Batches, s.Shape, s.File)
		}
		b, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again Seen
		if err := again.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if c, err := again.MarshalBinary(); err != nil || !bytes.Equal(b, c) {
			t.Errorf("other bytes after reading them, error %v", err)
		}
		for n := range b {
			if err := new(Seen).UnmarshalBinary(b[:n]); err == nil {
				t.Errorf("%d of %d bytes are read without an error", n, len(b))
			}
		}
		if want != nil && !bytes.Equal(b, want) {
			t.Error("the order of merging changes the bytes")
		}
		want = b
	}
}

func TestSeenOfOtherChannels(t *testing.T) {
	err := seen(t, "a", []int{1, 2}, 1, 2).Merge(seen(t, "b", []int{1, 3}, 1, 2, 3))
	if err == nil || err.Error() != "3 channels in b where a has 2" {
		t.Errorf("error %v", err)
	}
}

package web

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// shares limits the memory of the bodies of each address, so that one address cannot use up the
// budget of all.
type shares struct {
	mu   sync.Mutex
	most int64
	used map[string]int64
}

func newShares(most int64) *shares { return &shares{most: most, used: map[string]int64{}} }

// take takes n bytes for a peer if its share has that many left.
func (s *shares) take(peer string, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[peer]+n > s.most {
		return false
	}
	s.used[peer] += n
	return true
}

func (s *shares) give(peer string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[peer] -= n; s.used[peer] <= 0 {
		delete(s.used, peer)
	}
}

// peerOf returns the address that a request comes from, without its port.
func peerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// A steady body has to arrive at a minimum rate. Each piece that arrives moves the deadline for the
// next one.
type steady struct {
	io.ReadCloser
	control *http.ResponseController
	from    time.Time
	limits  *Limits
	read    int64
}

func (s *steady) Read(p []byte) (int, error) {
	// ends is the time at which the rate requires more bytes than have arrived. The deadline of
	// the whole request stays the limit.
	ends := s.limits.Grace + time.Duration(float64(s.read)/float64(s.limits.Rate)*float64(time.Second))
	_ = s.control.SetReadDeadline(s.from.Add(min(ends, s.limits.Read))) // not all connections have one
	n, err := s.ReadCloser.Read(p)
	s.read += int64(n)
	return n, err
}

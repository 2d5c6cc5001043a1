package web

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// shares are the bytes of memory that the bodies of each address may take, so
// that one address cannot use up the budget of all.
type shares struct {
	mu   sync.Mutex
	most int64
	used map[string]int64
}

func newShares(most int64) *shares { return &shares{most: most, used: map[string]int64{}} }

// take takes n bytes for a peer if its share has so many left.
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

// A steady body has to arrive at a minimum rate. Each piece of it moves the end
// of the time for the next one.
type steady struct {
	io.ReadCloser
	control *http.ResponseController
	from    time.Time
	limits  *Limits
	read    int64
}

func (s *steady) Read(p []byte) (int, error) {
	// At this time the bytes that came are as many as the rate asks for. The time
	// for a whole request stays the upper end.
	ends := s.limits.Grace + time.Duration(float64(s.read)/float64(s.limits.Rate)*float64(time.Second))
	_ = s.control.SetReadDeadline(s.from.Add(min(ends, s.limits.Read))) // not all connections have one
	n, err := s.ReadCloser.Read(p)
	s.read += int64(n)
	return n, err
}

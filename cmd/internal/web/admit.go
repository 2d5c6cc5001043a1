package web

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// overhead is the least memory that a request takes besides its body. It bounds the number of
// waiting requests.
const overhead = 1 << 20

// A worker makes the answer to a request.
type worker func(ctx context.Context, q *request) (*answer, error)

// work returns a handler for requests that take much memory and processor time. It reserves memory
// for a body before it reads it, so that many bodies at once cannot exceed the budget. A slow
// client does not block others: a request gets a worker only when its whole body has arrived, and
// gives it back before the answer is sent.
func (s *Server) work(f worker) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.admit(w, r, f); err != nil {
			fail(w, err)
		}
	}
}

func (s *Server) admit(w http.ResponseWriter, r *http.Request, f worker) error {
	limit, err := s.bodyLimit(r)
	if err != nil {
		return err
	}
	size := r.ContentLength
	if size > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	if size < 0 {
		size = limit // the length is unknown: assume the largest
	}
	size = 2*size + overhead // the body and the decoded values
	peer := peerOf(r)
	if !s.peers.take(peer, size) {
		return tooMany()
	}
	defer s.peers.give(peer, size)
	if !s.pending.take(size) {
		return tooMany()
	}
	defer s.pending.give(size)

	r.Body = http.MaxBytesReader(w, &steady{
		ReadCloser: r.Body, control: http.NewResponseController(w), from: time.Now(), limits: &s.limits,
	}, limit)
	q, err := s.read(r)
	if err != nil {
		return err
	}
	// The body is complete. Its deadline must not affect the rest of the request: net/http goes on
	// reading, and takes an expired deadline for a client that is gone.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // not all connections have deadlines
	a, err := s.answer(r, q, f)
	if err != nil {
		return err
	}
	if !s.pending.take(int64(a.body.Cap())) {
		return tooMany()
	}
	defer s.pending.give(int64(a.body.Cap()))
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(a.body.Len()))
	if a.reading != nil {
		account, err := json.Marshal(a.reading)
		if err != nil {
			return err
		}
		h.Set(readingHeader, url.PathEscape(string(account)))
	}
	if a.filename != "" {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": a.filename}))
	}
	_, _ = w.Write(a.body.Bytes()) // an error means that the connection is closed
	return nil
}

// answer calls f for the answer as soon as a worker is free.
func (s *Server) answer(r *http.Request, q *request, f worker) (*answer, error) {
	wait, cancel := context.WithTimeout(r.Context(), s.limits.Wait)
	defer cancel()
	select {
	case s.workers <- struct{}{}:
		defer func() { <-s.workers }()
	case <-wait.Done():
		return nil, &apiError{status: http.StatusServiceUnavailable, retry: 2,
			Message: "busy with other comparisons: try again in a moment"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Time)
	defer cancel()
	return f(ctx, q)
}

func tooMany() error {
	return &apiError{status: http.StatusTooManyRequests, retry: 1, Message: "too many requests at once: try again in a second"}
}

// Package web serves the calculator: a page and a JSON interface. The page and other programs get
// their numbers from the interface, which docs/api.md describes.
//
// The server keeps nothing between requests, and reads no file of the machine: each request has its
// data. The server is protected from pages of other sites in the same browser (see guard) and from
// hostile files (see Limits).
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// New returns a server for c.
func New(c Config) *Server {
	l := c.Limits.withDefaults()
	if c.Log == nil {
		c.Log = io.Discard
	}
	s := &Server{
		config:  c,
		choices: newChoices(),
		limits:  l,
		hosts:   map[string]bool{"localhost": true},
		files:   assets(c),
		workers: make(chan struct{}, l.Workers),
		pending: newBudget(l.Pending),
		peers:   newShares(l.Peer),
		log:     log.New(c.Log, "", log.LstdFlags),
	}
	for _, h := range c.Hosts {
		s.hosts[strings.ToLower(h)] = true
	}
	return s
}

// Handler returns the handler of all requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, a := range s.files {
		mux.Handle("GET "+path, a)
	}
	mux.HandleFunc("GET /api/examples", s.examples)
	mux.HandleFunc("POST /api/compare", s.work(s.compare))
	mux.HandleFunc("POST /api/graphs", s.work(s.graphs))
	mux.HandleFunc("POST /api/elements", s.work(s.elements))
	mux.HandleFunc("GET /api/conventions", s.listConventions)
	mux.HandleFunc("POST /api/diff", s.work(s.diff))
	mux.HandleFunc("POST /api/sweep", s.work(s.sweep))
	mux.HandleFunc("POST /api/plan", s.work(s.plan))
	mux.HandleFunc("POST /api/plan.json", s.work(s.planJSON))
	mux.HandleFunc("POST /api/tensors", s.work(s.tensors))
	mux.HandleFunc("POST /api/codes", s.work(s.codes))
	mux.HandleFunc("POST /api/codes.csv", s.work(s.codesCSV))
	mux.HandleFunc("POST /api/report.json", s.work(s.reportJSON))
	mux.HandleFunc("POST /api/report.csv", s.work(s.reportCSV))
	mux.HandleFunc("POST /api/report.pdf", s.work(s.reportPDF))
	return s.guard(compressed(mux))
}

// Serve answers requests from l until ctx ends. Then it waits for requests in progress.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       s.limits.Read,
		WriteTimeout:      s.limits.Read + s.limits.Wait + s.limits.Time + 30*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // guard writes the log
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := server.Shutdown(grace)
		if err != nil {
			err = server.Close() // the time for the remaining requests is over
		}
		stopped <- err
	})
	err := server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serving: %w", err)
	}
	return <-stopped
}

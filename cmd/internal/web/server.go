// Package web serves the calculator: a page, and the JSON interface that it
// and any other program gets its numbers from. docs/api.md describes that.
//
// Nothing is kept between requests, and no file of the machine is read: a
// request brings its data along. The server is made to face pages of strangers
// in the same browser (see guard) and files of strangers (see Limits).
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"
)

// An Example is a tensor that the page offers to begin with.
type Example struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	About string `json:"about"`

	// Text is what the page puts into its text area. An example without it is
	// a file.
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"` // its name
	Data []byte `json:"-"`
}

// A Config says what to serve.
type Config struct {
	Examples []Example
	Notices  string // licences of what the examples are made of
	Version  string
	Hosts    []string // further names under which the server may be called
	Limits   Limits   // the zero value of each field stands for DefaultLimits
	Log      io.Writer
}

// Limits keep one request from harming others.
type Limits struct {
	Body     int64         // bytes of a body with a file
	Text     int64         // bytes of a body of JSON
	Elements int64         // that are compared in one request
	Channels int64         // in one request
	Groups   int64         // in one request
	Codes    int64         // elements of which codes are written
	Tensors  int           // in one file
	Pending  int64         // bytes of all bodies in memory at once
	Workers  int           // comparisons at once
	Wait     time.Duration // for a worker to be free
	Time     time.Duration // for one comparison
	Read     time.Duration // for a request to arrive
	Peer     int64         // bytes of the bodies of one address in memory at once
	Rate     int64         // bytes of a body that have to arrive in a second, after Grace
	Grace    time.Duration // for the first bytes of a body to arrive
}

// DefaultLimits returns the limits of quant serve.
func DefaultLimits() Limits {
	return Limits{
		Body:     64 << 20,
		Text:     8 << 20,
		Elements: 16 << 20,
		Channels: 1 << 16,
		Groups:   1 << 18,
		Codes:    1 << 16,
		Tensors:  10_000,
		Pending:  192 << 20,
		Workers:  min(4, runtime.GOMAXPROCS(0)),
		Wait:     10 * time.Second,
		Time:     30 * time.Second,
		Read:     30 * time.Second,
		Peer:     144 << 20,
		Rate:     256 << 10,
		Grace:    3 * time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	pick(&l.Body, d.Body)
	pick(&l.Text, d.Text)
	pick(&l.Elements, d.Elements)
	pick(&l.Channels, d.Channels)
	pick(&l.Groups, d.Groups)
	pick(&l.Codes, d.Codes)
	pick(&l.Tensors, d.Tensors)
	pick(&l.Pending, d.Pending)
	pick(&l.Workers, d.Workers)
	pick(&l.Wait, d.Wait)
	pick(&l.Time, d.Time)
	pick(&l.Read, d.Read)
	pick(&l.Peer, min(d.Peer, l.Pending))
	pick(&l.Rate, d.Rate)
	pick(&l.Grace, d.Grace)
	return l
}

func pick[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// A Server is the page and its interface.
type Server struct {
	config  Config
	limits  Limits
	hosts   map[string]bool
	files   map[string]*asset
	workers chan struct{}
	pending *budget
	peers   *shares
	log     *log.Logger
}

// New returns a server for c.
func New(c Config) *Server {
	l := c.Limits.withDefaults()
	if c.Log == nil {
		c.Log = io.Discard
	}
	s := &Server{
		config:  c,
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
	mux.HandleFunc("POST /api/tensors", s.work(s.tensors))
	mux.HandleFunc("POST /api/codes", s.work(s.codes))
	mux.HandleFunc("POST /api/codes.csv", s.work(s.codesCSV))
	mux.HandleFunc("POST /api/report.json", s.work(s.reportJSON))
	mux.HandleFunc("POST /api/report.csv", s.work(s.reportCSV))
	mux.HandleFunc("POST /api/report.pdf", s.work(s.reportPDF))
	return s.guard(compressed(mux))
}

// Serve answers requests from l until ctx ends, and then those under way.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       s.limits.Read,
		WriteTimeout:      s.limits.Read + s.limits.Wait + s.limits.Time + 30*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // the guard logs what matters
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := server.Shutdown(grace)
		if err != nil {
			err = server.Close() // whoever is still there has had its time
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

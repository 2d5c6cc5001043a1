package web

import (
	"io"
	"runtime"
	"time"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// The configuration of a server.

// An Example is a tensor that the page offers to begin with.
type Example struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	About string `json:"about"`

	// Text is the content of the page's text area. An example without Text is a file.
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"` // its name
	Data []byte `json:"-"`
}

// A Config configures a Server.
type Config struct {
	Examples []Example
	Notices  string // licences of the sources of the examples
	Version  string
	Origin   func() report.Origin // the origin in documents that are saved now; nil for none
	Hosts    []string             // further names under which the server may be called
	Limits   Limits               // a field of 0 has its value of DefaultLimits
	Log      io.Writer
}

// Limits bound the resources of each request and of all together.
type Limits struct {
	Body     int64         // bytes of a body with a file
	Text     int64         // bytes of a body of JSON
	Elements int64         // that are compared in one request
	Channels int64         // in one request
	Groups   int64         // in one request
	Codes    int64         // elements whose codes are written
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

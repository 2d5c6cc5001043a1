package web

import "log"

// The state of a running server.

// A Server serves the page and its interface.
type Server struct {
	config  Config
	choices choices
	limits  Limits
	hosts   map[string]bool
	files   map[string]*asset
	workers chan struct{}
	pending *budget
	peers   *shares
	log     *log.Logger
}

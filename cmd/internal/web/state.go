package web

import "log"

// What a server holds while it runs.

// A Server is the page and its interface.
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

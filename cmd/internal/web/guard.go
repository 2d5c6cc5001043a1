package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// emptyStyle is the hash of an empty style element. Plotly adds such an element and fills it with
// insertRule, to which the policy does not apply. Styles in the text of the page stay forbidden.
const emptyStyle = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"

const policy = "default-src 'none'; script-src 'self'; style-src 'self' " + emptyStyle + "; " +
	"img-src 'self' data: blob:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// guard is the outermost handler. It sets the headers of every answer, refuses requests that other
// sites may have caused, and logs.
//
// A page of another site can make the browser send requests to this server. Such a request has the
// Origin of that site. If the site has pointed its own name at the loopback address (DNS
// rebinding), the request has a foreign Host.
func (s *Server) guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")

		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				s.log.Printf("%s %s panic: %s at %s", r.Method, quotePath(r), oneLine(v), oneLine(string(debug.Stack())))
				if !seen.written {
					fail(seen, &apiError{status: http.StatusInternalServerError, Message: "an error of this program"})
				}
				return
			}
			if strings.HasPrefix(r.URL.Path, "/api/") || seen.status >= 400 {
				s.log.Printf("%s %s %d %d bytes %v", r.Method, quotePath(r), seen.status, seen.bytes,
					time.Since(start).Round(100*time.Microsecond))
			}
		}()
		if !s.knows(r.Host) {
			fail(seen, &apiError{status: http.StatusMisdirectedRequest,
				Message: "this server is not called that: use localhost, an IP address, or a name given to quant serve --host"})
			return
		}
		if err := origin.Check(r); err != nil {
			fail(seen, &apiError{status: http.StatusForbidden, Message: "requests from pages of other sites are not answered"})
			return
		}
		next.ServeHTTP(seen, r)
	})
}

// knows reports whether host, with or without a port, is a name of this server. An IP address is
// accepted, since it cannot be the name of another site.
func (s *Server) knows(host string) bool {
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	_, err := netip.ParseAddr(bare)
	return err == nil || s.hosts[host]
}

// quotePath returns the path of a request for a log line, without line breaks and control
// characters.
func quotePath(r *http.Request) string {
	const most = 80
	p := r.URL.Path
	if len(p) > most {
		p = p[:most] + "…"
	}
	return strconv.QuoteToASCII(p)
}

// oneLine returns the value of a panic as one line.
func oneLine(v any) string {
	return text.Clean(strings.Join(strings.Fields(fmt.Sprint(v)), " "))
}

// A recorder records the status and the size of an answer.
type recorder struct {
	http.ResponseWriter
	status  int
	bytes   int64
	written bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.written {
		r.status, r.written = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.written = true
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

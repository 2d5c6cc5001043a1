package web

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// least is the size in bytes from which an answer is compressed.
const least = 1 << 10

// compressed compresses the answers of next for clients that take gzip or zstd. The answers hold no
// secrets, which the sizes of compressed answers could reveal.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(least), gzhttp.ContentTypes([]string{
		"text/html", "text/css", "text/javascript", "text/plain", "text/csv", "image/svg+xml", jsonType,
	}))
	if err != nil {
		panic(err) // of constants
	}
	return wrap(next)
}

package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/a01592f9/quant/cmd/internal/notices"
	"github.com/a01592f9/quant/cmd/internal/plotly"
	"github.com/a01592f9/quant/cmd/internal/typeface"
)

//go:embed static
var static embed.FS

// types has the media types of the assets. The tables of the operating system may not have them.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// An asset is a file of the page. Browsers cache it, and ask whether it has changed.
type asset struct {
	name, tag string
	body      []byte
}

func newAsset(name string, body []byte) *asset {
	sum := sha256.Sum256(body)
	return &asset{name, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, body}
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := types[path.Ext(a.name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(a.name))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", a.tag)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(a.body))
}

// assets returns all assets by their paths. A GET of any other path fails, so that no path leads
// to a file of the machine.
func assets(c Config) map[string]*asset {
	files := map[string]*asset{
		"/plotly.js":   newAsset("plotly.js", []byte(plotly.Script)),
		"/notices.txt": newAsset("notices.txt", []byte(Notices(c.Notices))),
	}
	err := fs.WalkDir(static, "static", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := static.ReadFile(p)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, "static/")
		switch name {
		case "how.html": // a part of the page
			return nil
		case "index.html":
			files["/{$}"] = newAsset(name, page(body, c.Version))
			return nil
		}
		files["/"+name] = newAsset(name, body)
		return nil
	})
	if err != nil {
		panic(err) // of what is in this binary
	}
	return files
}

// page combines the calculator, the explanations and the version.
func page(body []byte, version string) []byte {
	how, err := static.ReadFile("static/how.html")
	if err != nil {
		panic(err) // of what is in this binary
	}
	body = bytes.ReplaceAll(body, []byte("{{how}}"), how)
	return bytes.ReplaceAll(body, []byte("{{version}}"), []byte(html.EscapeString(version)))
}

// Notices returns the licences of all parts of quant. The argument has those of the sources of its
// examples.
func Notices(examples string) string {
	return "quant holds the work of others:\n\n" +
		"plotly.js " + plotly.Version + " (npm: plotly.js-cartesian-dist-min)\n\n" + plotly.License + "\n\n" +
		"Liberation Sans, in PDFs\n\n" + typeface.License + "\n\n" + examples + "\n\n" +
		"What the program is compiled from:\n\n" + notices.Modules
}

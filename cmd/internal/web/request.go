package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A request is the body of every POST: JSON, or that JSON as the part
// "request" of a form beside the part "file". docs/api.md describes it.
type request struct {
	Text    *string             `json:"text"`    // the values
	Example string              `json:"example"` // or the identifier of an example
	Name    string              `json:"name"`    // what reports call the values
	Tensor  *int                `json:"tensor"`  // index of the only one to compare
	Options report.Options      `json:"options"`
	Channel *int                `json:"channel"` // that graphs show first
	From    int                 `json:"from"`    // index of the first element whose code is listed, or position of the first that a graph shows
	Count   int                 `json:"count"`   // how many are listed or shown; 0 for as many as may be
	Reading *readAs             `json:"reading"` // how to read text; nil lets the reader choose
	Plan    *report.PlanOptions `json:"plan"`    // budget and candidates of a plan
	Between [2]string           `json:"between"` // the two presets or schemes of a comparison of codes

	// Importance is a list of the importances of a tensor's inputs.
	Importance string `json:"importance"`

	files  []sentFile // or the files of a model
	sent   *sentFile  // the file of importances; nil without one
	limits *Limits

	importances *importance.File // of Importance or of sent; nil without one
}

// A sentFile is a file that came with a request.
type sentFile struct {
	name string
	data []byte
}

const (
	requestPart = "request"
	filePart    = "file"

	importancePart = "importance"

	maxRequest = 64 << 10 // bytes of the JSON beside a file
	maxName    = 200
	maxFiles   = 1000
)

const formType = "multipart/form-data"

// mediaType returns the type of the body of r without parameters.
func mediaType(r *http.Request) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // the type is there if a parameter is invalid
	return kind
}

// bodyLimit returns the greatest length of the body of r, by its type.
func (s *Server) bodyLimit(r *http.Request) (int64, error) {
	switch mediaType(r) {
	case jsonType:
		return s.limits.Text, nil
	case formType:
		return s.limits.Body, nil
	}
	return 0, &apiError{status: http.StatusUnsupportedMediaType, Field: "body",
		Message: "the body is neither application/json nor multipart/form-data"}
}

// read reads the body of a request.
func (s *Server) read(r *http.Request) (*request, error) {
	q := &request{limits: &s.limits}
	q.Options = report.DefaultOptions()
	if mediaType(r) == formType {
		form, err := r.MultipartReader()
		if err != nil {
			return nil, &apiError{status: http.StatusBadRequest, Field: "body", Message: "the Content-Type of the form names no boundary of its parts"}
		}
		if err := q.readForm(form, r.ContentLength); err != nil {
			return nil, err
		}
	} else {
		body, err := readAll(r.Body, r.ContentLength)
		if err != nil {
			return nil, broken(err)
		}
		if err := q.decode(body); err != nil {
			return nil, err
		}
	}
	if err := q.settle(s.config.Examples); err != nil {
		return nil, err
	}
	return q, nil
}

func (q *request) readForm(form *multipart.Reader, size int64) error {
	seen := map[string]bool{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		name := part.FormName()
		if seen[name] && name != filePart {
			return bad("body", "there are two parts named %q", text.Clean(name))
		}
		seen[name] = true
		switch name {
		case requestPart:
			body, err := io.ReadAll(io.LimitReader(part, maxRequest+1))
			if err != nil {
				return broken(err)
			}
			if len(body) > maxRequest {
				return &http.MaxBytesError{Limit: maxRequest}
			}
			if err := q.decode(body); err != nil {
				return err
			}
		case filePart:
			if len(q.files) > 0 {
				size = 0 // that of all of them
			}
			data, err := readAll(part, size)
			if err != nil {
				return broken(err)
			}
			if q.files = append(q.files, sentFile{part.FileName(), data}); len(q.files) > maxFiles {
				return bad("file", "there are more than %d files", maxFiles)
			}
			// FileName is not a path: package multipart returns only the base name.
			if q.Name == "" {
				q.Name = part.FileName()
			}
		case importancePart:
			data, err := readAll(part, 0)
			if err != nil {
				return broken(err)
			}
			q.sent = &sentFile{part.FileName(), data}
		default:
			return bad("body", "part %q is none of request, file and importance", text.Clean(name))
		}
	}
}

// readAll reads r. Its length is at most size, unless size is negative.
func readAll(r io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	// A request may send less than its length says: begin with a smaller buffer.
	b.Grow(int(min(max(size, 0), 1<<20)) + bytes.MinRead)
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// broken returns the error for a body that could not be read: it is too long, too slow or
// malformed.
func broken(err error) error {
	e := asAPIError(err)
	if e.status == http.StatusUnprocessableEntity {
		e.status, e.Field = http.StatusBadRequest, "body"
	}
	return e
}

// decode reads the JSON of a request. An unknown field is an error, since a misspelled option would
// otherwise be ignored.
func (q *request) decode(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(q); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the body is empty")
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("not JSON: it ends too early")
		}
		return jsonError(body, d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return jsonError(body, d.InputOffset(), errors.New("more after the end of the JSON"))
	}
	return nil
}

// settle checks that a request has exactly one source of values, and names it.
func (q *request) settle(examples []Example) error {
	sources := 0
	for _, there := range []bool{q.Text != nil, q.Example != "", len(q.files) > 0} {
		if there {
			sources++
		}
	}
	switch {
	case sources == 0:
		return bad("text", "there are no values: give text, an example or a file")
	case sources > 1:
		return bad("text", "there is more than one of text, example and file")
	case len(q.Name) > maxName:
		return bad("name", "the name is longer than %d bytes", maxName)
	}
	if q.Example != "" {
		found := false
		for _, e := range examples {
			if e.ID != q.Example {
				continue
			}
			found = true
			name := e.File
			if e.Data == nil {
				q.Text, name = &e.Text, e.ID
			} else {
				q.files = []sentFile{{name, e.Data}}
			}
			if q.Name == "" {
				q.Name = name
			}
		}
		if !found {
			return bad("example", "there is no example %q", text.Clean(q.Example))
		}
	}
	if q.Name == "" {
		q.Name = "values"
	}
	if err := q.Options.Validate(); err != nil {
		return of("options", err)
	}
	return nil
}

// field returns the field that has the values.
func (q *request) field() string {
	if len(q.files) > 0 {
		return "file"
	}
	return "text"
}

// open parses the values.
func (q *request) open() (*source, error) {
	how, err := q.Reading.reading()
	if err != nil {
		return nil, err
	}
	var files []tensorfile.MemoryFile
	for _, f := range q.files {
		files = append(files, tensorfile.MemoryFile{Name: f.name, Data: bytes.NewReader(f.data), Size: int64(len(f.data))})
	}
	if len(files) == 0 { // without a name, whose ending could mean CSV
		files = []tensorfile.MemoryFile{{Data: strings.NewReader(*q.Text), Size: int64(len(*q.Text))}}
		q.Text = nil
	}
	f, err := tensorfile.Options{Reading: how}.ParseFiles(files)
	if err != nil {
		return nil, of(q.field(), err)
	}
	infos := f.Tensors()
	if len(infos) > q.limits.Tensors {
		return nil, bad("file", "there are %d tensors in the file: at most %d are read", len(infos), q.limits.Tensors)
	}
	if len(infos) == 1 && infos[0].Name == "" {
		infos[0].Name = strings.TrimSuffix(q.Name, filepath.Ext(q.Name))
	}
	return &source{file: f, memory: files, infos: infos, first: 0}, nil
}

// A source is a report.Source of one or all tensors of a file. It keeps the values of the
// tensor that Load read last, which graphs need again.
type source struct {
	file   *tensorfile.File
	memory []tensorfile.MemoryFile // that it was parsed from
	infos  []tensorfile.Info
	first  int // index in the file of the first one

	mu     sync.Mutex
	loaded int // index of what is in data
	data   []float32
}

func (s *source) Tensors() []tensorfile.Info { return s.infos }

// Described and Coded are the methods of the file.
func (s *source) Described() (*tensorfile.Text, []tensorfile.Skipped) { return s.file.Described() }
func (s *source) Coded() string                                       { return s.file.Coded() }

// Source is called by several goroutines where there are several tensors; only
// the values of a single one are kept.
func (s *source) Source(i int) (quant.Source, error) {
	if len(s.infos) > 1 {
		return s.file.Source(s.first + i)
	}
	data, err := s.Load(i)
	return report.Values(data), err
}

// Load is called by several goroutines where codes of several tensors are asked for.
func (s *source) Load(i int) ([]float32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data != nil && s.loaded == i {
		return s.data, nil
	}
	s.data = nil // free the old values before the new ones are read
	data, err := s.file.Load(s.first + i)
	s.loaded, s.data = i, data
	return data, err
}

// pick opens the values and checks the limits before any tensor is read: a tensor of an npz file
// may be a thousand times larger than the file.
func (q *request) pick() (*source, error) {
	s, err := q.open()
	if err != nil {
		return nil, err
	}
	if q.Tensor != nil {
		i := *q.Tensor
		if i < 0 || i >= len(s.infos) {
			return nil, bad("tensor", "there is no tensor %d: they are 0 to %d", i, len(s.infos)-1)
		}
		s.infos, s.first = s.infos[i:i+1], i
	}
	var elements, channels, groups int64
	for _, info := range s.infos {
		if !info.Floating || !matches(q.Options.Tensors, info.Name) {
			continue
		}
		n := int64(1)
		for _, d := range info.Shape {
			n *= int64(d) // readers have checked the product
		}
		if n == 0 {
			continue
		}
		c, g, err := q.Options.Parts(info)
		switch {
		case err != nil && len(s.infos) == 1:
			return nil, of("axis", err)
		case err != nil:
			continue // the report lists it among those that failed
		}
		elements, channels, groups = elements+n, channels+c, groups+g
	}
	l := q.limits
	for _, x := range []struct {
		what, field string
		n, most     int64
	}{
		{"elements", q.field(), elements, l.Elements},
		{"channels", "axis", channels, l.Channels},
		{"groups", "group_size", groups, l.Groups},
	} {
		if x.n > x.most {
			return nil, tooLarge(x.field, x.n, x.what, x.most)
		}
	}
	if err := q.readImportance(s.infos); err != nil {
		return nil, err
	}
	if q.Options.Codes && elements > l.Codes {
		return nil, bad("codes", "codes are written of at most %d elements", l.Codes)
	}
	return s, nil
}

// readImportance reads the importances of a request, for the tensors that it is about. It does
// nothing without them.
func (q *request) readImportance(infos []tensorfile.Info) error {
	q.importances = nil
	name, data := typed, []byte(q.Importance)
	switch {
	case q.Importance != "" && q.sent != nil:
		return bad("importance", "there are a list of importances and a file of them")
	case q.sent != nil:
		name, data = q.sent.name, q.sent.data
	case strings.TrimSpace(q.Importance) == "":
		return nil
	}
	f, err := importance.Parse(name, data, q.limits.Elements)
	if err != nil {
		return ofImportance(err)
	}
	if f.Unnamed() {
		one, several := only(infos)
		if several {
			return bad("importance", "the importances have no name, and there are several tensors: choose one, or give a file with their names")
		}
		f.Rename(one.Name)
	}
	q.importances = f
	q.Options.SetImportance(f)
	if one, several := only(infos); !several && one.Floating {
		if err := q.Options.CheckImportance(one); err != nil {
			return ofImportance(err)
		}
	}
	return nil
}

// ofBuild returns an error of a report of q.
func (q *request) ofBuild(err error) error {
	if report.IsNoImportance(err) {
		return ofImportance(err)
	}
	return of(q.field(), err)
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if option.Match(p, name) {
			return true
		}
	}
	return len(patterns) == 0
}

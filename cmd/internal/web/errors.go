package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// An apiError is an error in the JSON of the interface. Line and Column are places in the field,
// from 1; 0 for an error without a place.
type apiError struct {
	status  int
	retry   int    // seconds after which to try again; 0 if that is useless
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

func (e *apiError) Error() string { return e.Message }

// bad returns an error about the content of a field.
func bad(field, format string, args ...any) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, Field: field, Message: fmt.Sprintf(format, args...)}
}

// tooLarge returns an error about a field that asks for n of something, where this page has a limit.
func tooLarge(field string, n int64, what string, most int64) *apiError {
	return &apiError{status: http.StatusRequestEntityTooLarge, Field: field,
		Message: fmt.Sprintf("%d %s: this page compares at most %d at a time, the command line any number", n, what, most)}
}

// statusGone is used only in the log: the client closed the connection. Other servers use this
// number for it too.
const statusGone = 499

// fail answers a request with an error.
func fail(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(e.retry))
	}
	w.WriteHeader(e.status)
	// The connection may be closed, so that an error cannot be sent.
	_ = json.NewEncoder(w).Encode(map[string]*apiError{"error": e})
}

// asAPIError finds the status and the field that an error belongs to.
func asAPIError(err error) *apiError {
	var api *apiError
	var size *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &size):
		return &apiError{status: http.StatusRequestEntityTooLarge, Field: "body",
			Message: fmt.Sprintf("the request has more than the %d bytes allowed", size.Limit)}
	case errors.Is(err, context.Canceled):
		return &apiError{status: statusGone, Message: "nobody waits for the answer any more"}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{status: http.StatusServiceUnavailable, retry: 10, Message: "this takes longer than a comparison may"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &apiError{status: http.StatusRequestTimeout, Field: "body", Message: "the request arrived too slowly"}
	}
	return bad("", "%s", text.Clean(strings.TrimPrefix(err.Error(), "quant: ")))
}

// of sets the field that an error is about, and the place in it.
func of(field string, err error) error {
	if err == nil {
		return nil
	}
	var api *apiError
	if errors.As(err, &api) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	e := bad(field, "%s", text.Clean(strings.TrimPrefix(err.Error(), "quant: ")))
	var option *report.OptionError
	var syntax *tensorfile.SyntaxError
	var tensor *report.TensorError
	switch {
	case errors.As(err, &option):
		e.Field = option.Field
	case errors.As(err, &syntax):
		e.Message, e.Line, e.Column = text.Clean(syntax.Msg), syntax.Line, syntax.Column
	case errors.As(err, &tensor):
		e.Message = text.Clean(tensor.Reason)
	}
	return e
}

// jsonError returns an error with the place at which a body is not the expected JSON.
func jsonError(body []byte, offset int64, err error) error {
	e := bad("body", "")
	e.status = http.StatusBadRequest
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
		e.Message = "not JSON: " + err.Error()
	case errors.As(err, &kind):
		offset = kind.Offset
		e.Field = kind.Field[strings.LastIndexByte(kind.Field, '.')+1:]
		article := "a"
		if kind.Value == "array" || kind.Value == "object" {
			article = "an"
		}
		e.Message = fmt.Sprintf("%s %s, where %s is wanted", article, kind.Value, plainType(kind.Type.String()))
		if e.Field == "" {
			e.Field = "body"
		}
	default:
		e.Message = text.Clean(strings.TrimPrefix(err.Error(), "json: "))
	}
	before := body[:min(max(offset-1, 0), int64(len(body)))]
	text := string(before)
	e.Line = strings.Count(text, "\n") + 1
	e.Column = len([]rune(text[strings.LastIndexByte(text, '\n')+1:])) + 1
	return e
}

// plainType returns the JSON name of a Go type.
func plainType(s string) string {
	switch {
	case strings.HasPrefix(strings.TrimLeft(s, "*"), "int"):
		return "an integer"
	case s == "bool":
		return "true or false"
	case strings.HasSuffix(s, "string"):
		return "a string"
	}
	return "an object"
}

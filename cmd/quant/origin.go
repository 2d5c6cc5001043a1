package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// epochVariable is the environment variable that sets the date of documents, in
// seconds since 1970: see https://reproducible-builds.org/specs/source-date-epoch/.
const epochVariable = "SOURCE_DATE_EPOCH"

// origin returns the date, version and command that documents show.
func (a *app) origin() (report.Origin, error) {
	o := report.Origin{Date: time.Now(), Version: shortVersion(), Command: shellLine(a.args)}
	if s := os.Getenv(epochVariable); s != "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seconds < 0 {
			return o, usagef("%s=%s is not a number of seconds since 1970", epochVariable, s)
		}
		o.Date = time.Unix(seconds, 0)
	}
	return o, nil
}

// shortVersion returns the name of the tool with its version.
func shortVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "quant " + info.Main.Version
	}
	return "quant (devel)"
}

// shellLine returns the command with its arguments, quoted for a shell.
func shellLine(args []string) string {
	words := []string{"quant"}
	for _, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !strings.ContainsRune("%+,-./:=@_^", r) && !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 0x7f)
		}) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

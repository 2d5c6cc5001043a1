// Package notices holds the licences of what the tool is linked with.
package notices

import _ "embed"

// Modules names Go and the modules that the tool is linked with on some
// platform, with their versions and licences.
//
//go:embed modules.txt
var Modules string

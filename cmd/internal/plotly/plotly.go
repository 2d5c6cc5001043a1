// Package plotly holds the copy of plotly.js that the pages of the tool use for graphs: the
// minified bundle of cartesian traces, from the npm package plotly.js-cartesian-dist-min.
//
// Graphs must be made with the configuration displaylogo: false and showSendToCloud: false.
// Otherwise plotly.js offers to send them to another host.
package plotly

import _ "embed"

// Version is the version of the npm package.
const Version = "4.1.1"

// Script is the bundle. It defines the global variable Plotly.
//
//go:embed plotly-cartesian.min.js
var Script string

// License is the licence of plotly.js, MIT. It must be included wherever the script is.
//
//go:embed LICENSE
var License string

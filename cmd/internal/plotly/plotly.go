// Package plotly holds the one copy of plotly.js that the pages of the tool
// draw their graphs with: the bundle of cartesian traces, minified, as the npm
// package plotly.js-cartesian-dist-min has it.
//
// Graphs have to be made with the configuration displaylogo: false and
// showSendToCloud: false, or plotly.js offers to send them to another host.
package plotly

import _ "embed"

// Version is that of the npm package.
const Version = "4.1.1"

// Script is the bundle. It defines the global variable Plotly.
//
//go:embed plotly-cartesian.min.js
var Script string

// License is its licence, MIT, which goes wherever the script goes.
//
//go:embed LICENSE
var License string

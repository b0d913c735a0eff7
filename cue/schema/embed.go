// Package schema carries the CUE schema of a project, as text.
package schema

import _ "embed"

// Text is schema.cue.
//
//go:embed schema.cue
var Text string
